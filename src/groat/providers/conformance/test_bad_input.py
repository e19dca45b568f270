"""Bad input: an adapter answers any headers and any body, and never raises."""

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
from groat.providers.port import Answered, Envelope, Rejection, Unknown, Unreadable, Webhooks

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("webhooks")]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
HUGE = st.integers(1, 6_000).map(lambda digits: "9" * digits)
"""Whole numbers as text, with up to 6,000 digits. By default Python refuses more than 4,300."""

VALUES = st.one_of(
    st.text(),
    st.binary().map(lambda value: value.decode("latin-1")),
    st.text(max_size=3).map(lambda text: text * 2**14),
    HUGE,
)
"""Values of headers as a server passes them on: any bytes decoded as Latin-1, also long ones."""

BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def genuine(shop: Shop) -> AsyncIterator[SentWebhook]:
    """A genuine webhook from the provider."""
    await shop.take_deliveries()
    await shop.pay()
    yield (await shop.take_deliveries())[0]


def _headers(genuine: SentWebhook) -> st.SearchStrategy[Mapping[str, str]]:
    """Generate headers, each of which is genuine, corrupted, invented or missing."""
    strange = {
        name: st.just(value) | VALUES | _spoiled(value) for name, value in genuine.headers.items()
    }
    return st.fixed_dictionaries({}, optional=strange) | st.dictionaries(st.text(), VALUES)


def _spoiled(value: str) -> st.SearchStrategy[str]:
    """Generate values that share a beginning with ``value``, repeat it, or change its number."""
    kept = st.integers(0, len(value)).map(lambda length: value[:length])
    return st.one_of(
        st.builds(str.__add__, kept, VALUES),
        st.integers(2, 200).map(lambda times: ",".join([value] * times)),
        HUGE.map(lambda number: re.sub("[0-9]+", number, value, count=1)),
    )


@pytest.mark.parametrize("value", ["\xff", "\u20ac", ""], ids=["latin", "beyond", "empty"])
async def test_strange_characters_in_any_header_raise_nothing(
    webhooks: Webhooks, genuine: SentWebhook, value: str
) -> None:
    """Random headers may miss the one that the adapter reads, so each is tried in turn."""
    for name in genuine.headers:
        headers = {**genuine.headers, name: value}
        verdict = await webhooks.verify(headers, genuine.body, datetime.now(UTC))
        assert verdict is None or isinstance(verdict, Rejection)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_are_accepted_or_rejected(
    webhooks: Webhooks, genuine: SentWebhook, data: st.DataObject
) -> None:
    """Anyone can send anything to the webhook address. An exception would let them cause a 500."""
    headers = data.draw(_headers(genuine))
    body = data.draw(BODIES | st.just(genuine.body))
    verdict = await webhooks.verify(headers, body, datetime.now(UTC))
    assert verdict is None or isinstance(verdict, Rejection)
    if body != genuine.body:
        assert verdict is not None


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_are_a_valid_envelope_or_malformed(
    webhooks: Webhooks, genuine: SentWebhook, data: st.DataObject
) -> None:
    """A provider may sign nonsense too. The texts of an envelope must fit the inbox's columns."""
    headers = data.draw(st.just(genuine.headers) | _headers(genuine))
    body = data.draw(st.just(genuine.body) | BODIES)
    envelope = webhooks.envelope(headers, body)
    if isinstance(envelope, Rejection):
        return
    for text in (envelope.event_id, envelope.event_type, envelope.transmission_id or "none"):
        assert 1 <= len(text) <= 255
        assert text.isascii()
        assert text.isprintable()


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_any_bytes_report_no_invented_fact(
    webhooks: Webhooks, genuine: SentWebhook, data: st.DataObject
) -> None:
    """The engine keeps and shows an unreadable event. The adapter must report no fact from it."""
    envelope = webhooks.envelope(genuine.headers, genuine.body)
    assert isinstance(envelope, Envelope)
    event_type = data.draw(st.just(envelope.event_type) | st.text())
    body = data.draw(BODIES)
    reply = await webhooks.interpret(event_type, body)
    assert isinstance(reply, Unreadable | Unknown | NotSent) or reply == Answered(())
    assert webhooks.read(event_type, body) in {None, reply}
