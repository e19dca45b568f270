from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from functools import cache
from importlib.metadata import entry_points
from unittest.mock import patch

import pytest
import structlog
from hypothesis import settings

from groat.platform.embedded.servers import EmbeddedServers
from groat.providers import adapters
from tests.support import measure
from tests.support.authorities import one_authority
from tests.support.memory import directory_in_memory
from tests.support.servers import Servers, make_logins_cheap

# No deadline: a busy machine is not a failure.
settings.register_profile("groat", deadline=None, max_examples=60)
settings.load_profile("groat")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with measure.during(item):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _few_authorities() -> Iterator[None]:
    with one_authority():
        yield


@pytest.fixture(scope="session", autouse=True)
def _adapters_found_once() -> Iterator[None]:
    """Search the packages on a path once for all engines of this process: it takes 10 ms."""
    search = cache(lambda group, _path: entry_points(group=group))
    with patch.object(adapters, "entry_points", lambda group: search(group, tuple(sys.path))):
        yield


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> None:
    """Let what is logged in this process be plain: a traceback with its values takes seconds."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    database_url, redis_url = (
        os.environ.get(f"GROAT_{name}_URL", "") for name in ("DATABASE", "REDIS")
    )
    with (
        directory_in_memory() as memory,
        EmbeddedServers(
            (memory or tmp_path_factory.mktemp("servers")) / "home",
            ephemeral=True,
            postgres=not database_url,
            valkey=not redis_url,
        ) as embedded,
    ):
        if not database_url:
            make_logins_cheap(embedded.postgres)
        yield Servers(database_url or embedded.database_url, redis_url or embedded.redis_url)
