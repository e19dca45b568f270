"""The pytest plugin: options that select the adapter and its harness, and shared fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from typing import cast

import pytest
import pytest_asyncio

from groat.providers.adapters import Adapter, installed_adapters
from groat.providers.conformance.harness import Harness, OpenHarness
from groat.providers.conformance.shop import Shop
from groat.providers.port import EventList, Lookups, Provider, Webhooks

TIMEOUT_SECONDS = 10.0
"""Time-out of a call in most tests."""

HASTY_SECONDS = 0.5
"""Time-out of a call with the fixture ``hasty``: shorter than the delay of ``Fault.SLOW``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that select the adapter and its harness."""
    group = parser.getgroup("groat", "conformance of a provider's adapter")
    group.addoption("--provider", metavar="NAME", help="name under which the adapter is installed")
    group.addoption("--harness", metavar="MODULE:NAME", help="callable that opens its harness")


@pytest.fixture(scope="session")
def provider_name(pytestconfig: pytest.Config) -> str:
    """Name under which the adapter is installed."""
    return _required(pytestconfig, "--provider")


@pytest.fixture(scope="session")
def adapter(provider_name: str) -> Adapter:
    """The adapter, found by its entry point as the engine finds it."""
    installed = installed_adapters()
    if provider_name not in installed:
        names = ", ".join(sorted(installed))
        raise pytest.UsageError(f"No adapter is installed for {provider_name!r}, only for {names}.")
    return installed[provider_name]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def harness(pytestconfig: pytest.Config) -> AsyncIterator[Harness]:
    """The harness, opened once for all tests."""
    module, _, name = _required(pytestconfig, "--harness").partition(":")
    opener = cast("OpenHarness", getattr(import_module(module), name))
    async with opener() as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def provider(adapter: Adapter, harness: Harness) -> AsyncIterator[Provider]:
    """An account at the stand-in with good credentials."""
    async for account in _account(adapter, harness.credentials.good, TIMEOUT_SECONDS):
        yield account


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hasty(adapter: Adapter, harness: Harness) -> AsyncIterator[Provider]:
    """The same account with a short time-out."""
    async for account in _account(adapter, harness.credentials.good, HASTY_SECONDS):
        yield account


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def unreachable(adapter: Adapter, harness: Harness) -> AsyncIterator[Provider]:
    """An account at an address where no server listens."""
    async for account in _account(adapter, harness.credentials.unreachable, TIMEOUT_SECONDS):
        yield account


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def refused(adapter: Adapter, harness: Harness) -> AsyncIterator[Provider]:
    """An account whose credentials the stand-in refuses."""
    async for account in _account(adapter, harness.credentials.refused, TIMEOUT_SECONDS):
        yield account


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stranger(adapter: Adapter, harness: Harness) -> AsyncIterator[Provider]:
    """Another account, which must reject the webhooks of the first."""
    async for account in _account(adapter, harness.credentials.strange, TIMEOUT_SECONDS):
        yield account


@pytest.fixture(scope="session")
def shop(provider: Provider, harness: Harness) -> Shop:
    """A merchant's shop that uses the account."""
    return Shop(provider, harness)


@pytest.fixture(scope="session")
def lookups(provider: Provider) -> Lookups:
    """The account's look-ups. Without them, the test is skipped."""
    if provider.lookups is None:
        pytest.skip("the adapter has no look-ups")
    return provider.lookups


@pytest.fixture(scope="session")
def webhooks(provider: Provider) -> Webhooks:
    """The account's webhooks. Without them, the test is skipped."""
    if provider.webhooks is None:
        pytest.skip("the adapter has no webhooks")
    return provider.webhooks


@pytest.fixture(scope="session")
def event_list(provider: Provider) -> EventList:
    """The account's list of events. Without it, the test is skipped."""
    if provider.event_list is None:
        pytest.skip("the adapter has no list of events")
    return provider.event_list


async def _account(
    adapter: Adapter, credentials: Mapping[str, str], timeout_seconds: float
) -> AsyncIterator[Provider]:
    account = adapter(credentials, timeout_seconds=timeout_seconds)
    yield account
    await account.close()


def _required(config: pytest.Config, option: str) -> str:
    value = config.getoption(option)
    if value is None:
        raise pytest.UsageError(f"Give the option {option}; docs/providers.md explains it.")
    return str(value)
