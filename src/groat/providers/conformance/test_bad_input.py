"""Whatever comes in, an adapter answers; it does not raise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from groat.providers.conformance.harness import Delivery
from groat.providers.conformance.shop import Shop
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, Envelope, Rejection, Unknown

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def genuine(shop: Shop) -> AsyncIterator[Delivery]:
    """A webhook of the provider's."""
    await shop.harness.take_deliveries()
    await shop.pay()
    yield (await shop.harness.take_deliveries())[0]


def _mixed_headers(genuine: Delivery) -> st.SearchStrategy[Mapping[str, str]]:
    """Return headers of which each may be the genuine one, made up, or not there."""
    strange = {name: st.text() | st.just(value) for name, value in genuine.headers.items()}
    return st.fixed_dictionaries({}, optional=strange)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_are_believed_or_not(
    shop: Shop, genuine: Delivery, data: st.DataObject
) -> None:
    """Anyone can send anything to the address; an exception there is a 500 that they can cause."""
    headers = data.draw(_mixed_headers(genuine) | st.dictionaries(st.text(), st.text()))
    body = data.draw(BODIES | st.just(genuine.body))
    verdict = await shop.provider.verify_webhook(headers, body, datetime.now(UTC))
    assert verdict is None or isinstance(verdict, Rejection)
    if body != genuine.body:
        assert verdict is not None


@settings(max_examples=80, deadline=None)
@given(body=BODIES)
async def test_any_bytes_are_an_envelope_or_malformed(shop: Shop, body: bytes) -> None:
    """A provider may sign nonsense too. What is kept of it fits into the inbox's columns."""
    envelope = shop.provider.read_envelope(body)
    if isinstance(envelope, Rejection):
        return
    for text in (envelope.event_id, envelope.event_type):
        assert 1 <= len(text) <= 255
        assert "\x00" not in text


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_say_something_or_are_tried_again(
    shop: Shop, genuine: Delivery, data: st.DataObject
) -> None:
    """An event that cannot be read is kept and shown; it says nothing that was not said."""
    envelope = shop.provider.read_envelope(genuine.body)
    assert isinstance(envelope, Envelope)
    event_type = data.draw(st.just(envelope.event_type) | st.text())
    reply = await shop.provider.interpret_webhook(event_type, data.draw(BODIES))
    assert isinstance(reply, Unknown | NotSent) or reply == Answered(())
