"""Whatever comes in, an adapter answers; it does not raise."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from groat.providers.conformance.harness import SentWebhook
from groat.providers.conformance.shop import Shop
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, Envelope, Rejection, Unknown, Unreadable

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
HUGE = st.integers(1, 6_000).map(lambda digits: "9" * digits)
"""Numbers, up to more digits than Python reads."""

VALUES = st.one_of(
    st.text(),
    st.binary().map(lambda value: value.decode("latin-1")),
    st.text(max_size=3).map(lambda text: text * 2**14),
    HUGE,
)
"""A header's value as a server hands it on: any bytes, read as Latin-1, and long ones."""

BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def genuine(shop: Shop) -> AsyncIterator[SentWebhook]:
    """A webhook of the provider's."""
    await shop.harness.take_deliveries()
    await shop.pay()
    yield (await shop.harness.take_deliveries())[0]


def _headers(genuine: SentWebhook) -> st.SearchStrategy[Mapping[str, str]]:
    """Return headers of which each may be the genuine one, spoiled, made up, or not there."""
    strange = {
        name: st.just(value) | VALUES | _spoiled(value) for name, value in genuine.headers.items()
    }
    return st.fixed_dictionaries({}, optional=strange) | st.dictionaries(st.text(), VALUES)


def _spoiled(value: str) -> st.SearchStrategy[str]:
    """Return values that begin as ``value`` does, repeat it, or count on from it."""
    kept = st.integers(0, len(value)).map(lambda length: value[:length])
    return st.one_of(
        st.builds(str.__add__, kept, VALUES),
        st.integers(2, 200).map(lambda times: ",".join([value] * times)),
        HUGE.map(lambda number: re.sub("[0-9]+", number, value, count=1)),
    )


@pytest.mark.parametrize("value", ["\xff", "\u20ac", ""], ids=["latin", "beyond", "empty"])
async def test_strange_characters_in_any_header_are_answered(
    shop: Shop, genuine: SentWebhook, value: str
) -> None:
    """What is drawn below might by chance miss the one header that is read."""
    for name in genuine.headers:
        headers = {**genuine.headers, name: value}
        verdict = await shop.provider.verify_webhook(headers, genuine.body, datetime.now(UTC))
        assert verdict is None or isinstance(verdict, Rejection)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_are_believed_or_not(
    shop: Shop, genuine: SentWebhook, data: st.DataObject
) -> None:
    """Anyone can send anything to the address; an exception there is a 500 that they can cause."""
    headers = data.draw(_headers(genuine))
    body = data.draw(BODIES | st.just(genuine.body))
    verdict = await shop.provider.verify_webhook(headers, body, datetime.now(UTC))
    assert verdict is None or isinstance(verdict, Rejection)
    if body != genuine.body:
        assert verdict is not None


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_are_an_envelope_or_malformed(
    shop: Shop, genuine: SentWebhook, data: st.DataObject
) -> None:
    """A provider may sign nonsense too. What is kept of it fits into the inbox's columns."""
    headers = data.draw(st.just(genuine.headers) | _headers(genuine))
    body = data.draw(st.just(genuine.body) | BODIES)
    envelope = shop.provider.read_envelope(headers, body)
    if isinstance(envelope, Rejection):
        return
    for text in (envelope.event_id, envelope.event_type, envelope.transmission_id or "none"):
        assert 1 <= len(text) <= 255
        assert text.isascii()
        assert text.isprintable()


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_say_something_or_are_tried_again(
    shop: Shop, genuine: SentWebhook, data: st.DataObject
) -> None:
    """An event that cannot be read is kept and shown; it says nothing that was not said."""
    envelope = shop.provider.read_envelope(genuine.headers, genuine.body)
    assert isinstance(envelope, Envelope)
    event_type = data.draw(st.just(envelope.event_type) | st.text())
    body = data.draw(BODIES)
    reply = await shop.provider.interpret_webhook(event_type, body)
    assert isinstance(reply, Unreadable | Unknown | NotSent) or reply == Answered(())
    assert shop.provider.read_webhook(event_type, body) in {None, reply}
