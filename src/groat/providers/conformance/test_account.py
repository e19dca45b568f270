"""What the engine knows of an adapter before it makes a call."""

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
from groat.providers.port import Provider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_declared_credentials_are_all_that_an_account_needs(
    provider_name: str, adapter: Adapter, harness: Harness
) -> None:
    """An account is checked by what the adapter declares, and is made from nothing else."""
    known, good = {provider_name: adapter.credential_fields}, harness.credentials.good
    check_credentials(provider_name, known, good)
    needed = {name: good[name] for name in adapter.credential_fields.needed}
    check_credentials(provider_name, known, needed)
    await adapter(needed, timeout_seconds=1).close()
    for name in needed:
        rest = {other: value for other, value in needed.items() if other != name}
        with pytest.raises(InvalidRequest, match=name):
            check_credentials(provider_name, known, rest)


async def test_an_account_does_not_show_its_credentials(
    provider: Provider, harness: Harness
) -> None:
    """What is logged of an adapter must not give its secrets away."""
    shown = f"{provider!r} {provider}"
    assert not [value for value in harness.credentials.good.values() if value in shown]


async def test_keys_are_kept_for_a_while(provider: Provider) -> None:
    """Only so long does the engine make a call again whose outcome nobody knows."""
    assert provider.keeps_keys_for > timedelta()


async def test_how_long_events_are_listed_is_known(provider: Provider) -> None:
    """What is older is not asked for; zero says that there is no list."""
    assert timedelta() <= provider.lists_events_for < timedelta(days=3_650)


async def test_an_account_that_is_not_let_in_has_sent_nothing(
    refused: Provider, shop: Shop
) -> None:
    """Nothing was begun, and an operator is told to look at the credentials."""
    request = shop.order()
    reply = await refused.authorize(request)
    assert isinstance(reply, NotSent)
    assert reply.code is FailureCode.CREDENTIALS_REFUSED
    assert await shop.charges(request.payment_id) == []
