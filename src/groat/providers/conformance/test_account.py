"""Properties of an adapter that the engine reads before it makes a call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from groat.kernel.errors import InvalidRequest
from groat.merchants.domain.credentials import check_credentials
from groat.providers.adapters import Adapter
from groat.providers.conformance.harness import Harness
from groat.providers.conformance.shop import Shop
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import EventList, Provider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_declared_credentials_suffice_for_an_account(
    provider_name: str, adapter: Adapter, harness: Harness
) -> None:
    """The engine checks an account's credentials against the adapter's declared fields only."""
    known, good = {provider_name: adapter.credential_fields}, harness.credentials.good
    check_credentials(provider_name, known, good)
    needed = {name: good[name] for name in adapter.credential_fields.needed}
    check_credentials(provider_name, known, needed)
    await adapter(needed, timeout_seconds=1).close()
    for name in needed:
        rest = {other: value for other, value in needed.items() if other != name}
        with pytest.raises(InvalidRequest, match=name):
            check_credentials(provider_name, known, rest)


async def test_account_does_not_show_its_credentials(provider: Provider, harness: Harness) -> None:
    """A log or a traceback may show an adapter. It must not show its secrets."""
    shown = f"{provider!r} {provider}"
    assert not [value for value in harness.credentials.good.values() if value in shown]


async def test_provider_remembers_keys_for_some_time(provider: Provider) -> None:
    """The engine repeats a call with an unknown outcome only within this time."""
    assert provider.operations.keeps_keys_for > timedelta()


async def test_listing_period_of_events_is_plausible(event_list: EventList) -> None:
    """The engine does not ask for older events."""
    assert timedelta() < event_list.covers < timedelta(days=3_650)


async def test_outcome_of_a_call_can_be_learned(provider: Provider, harness: Harness) -> None:
    """Without look-ups and without webhooks, an answer that is lost is lost for ever."""
    assert provider.lookups is not None or provider.webhooks is not None
    assert provider.webhooks is not None or not harness.answers_by_webhook


async def test_listed_events_can_be_read(provider: Provider) -> None:
    """The engine reads a listed event as it reads the webhook of that event."""
    assert provider.event_list is None or provider.webhooks is not None


async def test_call_with_refused_credentials_was_not_sent(refused: Provider, shop: Shop) -> None:
    """The provider began nothing. The code tells an operator to check the credentials."""
    request = shop.order()
    reply = await refused.operations.authorize(request)
    assert isinstance(reply, NotSent)
    assert reply.code is FailureCode.CREDENTIALS_REFUSED
    assert await shop.charges(request.payment_id) == []
