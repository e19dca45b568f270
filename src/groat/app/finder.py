"""Find the payments that an id or another text belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.errors import NotFound
from groat.kernel.ids import (
    DisputeId,
    EventId,
    MerchantId,
    OperationId,
    PaymentId,
    ProviderEventId,
    RefundId,
    TransactionId,
)
from groat.payments.domain.payment import PaymentMatch
from groat.platform.http.strict_json import Json

_MOST = 50
"""Maximum payments that one meaning of a text leads to."""

_LONGEST = 255
"""Characters of the longest id that a provider's event may mention."""


class Meaning(NamedTuple):
    """A meaning of a text, such as `refund`, and the payment that it leads to, if any."""

    noun: str
    payment_id: PaymentId | None


async def find(engine: Engine, merchant_id: MerchantId, text: str) -> list[Meaning]:
    """Return all meanings of ``text`` with their payments, each once, the surest first."""
    found = [
        *await _own(engine, merchant_id, text),
        *_matched(await engine.payment_queries.with_text(merchant_id, text, limit=_MOST)),
        *await _keyed(engine, merchant_id, text),
        *await _booked(engine, merchant_id, text),
    ]
    for event_id in await engine.replay.by_reference(merchant_id, text):
        found += await _told(engine, merchant_id, event_id, "provider's id of an event")
    return list(dict.fromkeys(found))


async def _own(engine: Engine, merchant_id: MerchantId, text: str) -> list[Meaning]:
    """Return the object that the TypeID ``text`` names, with its payment."""
    prefix = text.rpartition("_")[0]
    kind = next((kind for kind, one in ids.PREFIXES.items() if one == prefix), None)
    if kind is None:
        return []
    try:
        return await _of_kind(engine, merchant_id, kind, ids.parse(kind, text))
    except NotFound:
        return []


async def _of_kind(
    engine: Engine, merchant_id: MerchantId, kind: str, own_id: UUID
) -> list[Meaning]:
    """Return the meaning of the id of an object of ``kind``.

    Raises:
        NotFound: the merchant has no such object.
    """
    noun = kind.replace("_", " ")
    subject: str | None
    match kind:
        case "payment" | "refund" | "dispute" | "operation":
            return [Meaning(noun, await _payment_of(engine, merchant_id, kind, own_id))]
        case "provider_event":
            return await _told(engine, merchant_id, ProviderEventId(own_id), noun)
        case "event":
            subject = (await engine.feed_queries.event(merchant_id, EventId(own_id))).subject
        case "ledger_transaction":
            subject = await engine.account_queries.subject(merchant_id, TransactionId(own_id))
        case _:
            return []
    about = [] if subject is None else await _own(engine, merchant_id, subject)
    return [Meaning(f"{noun} of a {one.noun}", one.payment_id) for one in about]


async def _payment_of(
    engine: Engine, merchant_id: MerchantId, kind: str, own_id: UUID
) -> PaymentId:
    """Return the id of the payment that an object belongs to.

    Raises:
        NotFound: the merchant has no such object.
    """
    queries = engine.payment_queries
    match kind:
        case "refund":
            return (await queries.refund(merchant_id, RefundId(own_id))).payment_id
        case "dispute":
            return (await queries.dispute(merchant_id, DisputeId(own_id))).dispute.payment_id
        case "operation":
            return (await queries.operation(merchant_id, OperationId(own_id))).payment_id
        case _:
            return (await queries.payment(merchant_id, PaymentId(own_id))).payment.id


async def _told(
    engine: Engine, merchant_id: MerchantId, event_id: ProviderEventId, meaning: str
) -> list[Meaning]:
    """Return the payments that the body of a provider's event mentions."""
    _, body = await engine.replay.event(merchant_id, event_id)
    texts = set(_texts(json.loads(body)))
    prefix = f"{ids.PREFIXES['payment']}_"
    found = [
        one
        for text in sorted(texts)
        if text.startswith(prefix)
        for one in await _own(engine, merchant_id, text)
    ]
    found += _matched(await engine.payment_queries.of_objects(merchant_id, texts, limit=_MOST))
    return [Meaning(meaning, one.payment_id) for one in found] or [Meaning(meaning, None)]


def _texts(document: Json) -> Iterator[str]:
    """Yield all texts in ``document`` that may be ids."""
    if isinstance(document, str) and 0 < len(document) <= _LONGEST:
        yield document
    elif isinstance(document, dict):
        for value in document.values():
            yield from _texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value)


async def _keyed(engine: Engine, merchant_id: MerchantId, text: str) -> list[Meaning]:
    """Return the payments of the requests with ``text`` as their idempotency key."""
    found = []
    for kind, object_id in await engine.answers.bound_objects(merchant_id, text):
        found += await _of_kind(engine, merchant_id, kind, object_id)
    return [Meaning(f"idempotency key of a {one.noun}", one.payment_id) for one in found]


async def _booked(engine: Engine, merchant_id: MerchantId, text: str) -> list[Meaning]:
    """Return the payments in the movement, or in the payout, with the provider's id ``text``."""
    found = []
    objects = await engine.movement_queries.objects_of(merchant_id, text, limit=_MOST)
    for field, references in objects.items():
        meaning = f"provider's id of a {field}" if field != "object of a movement" else field
        owners = await engine.payment_queries.of_objects(merchant_id, references, limit=_MOST)
        found += [Meaning(meaning, one.id) for one in owners] or [Meaning(meaning, None)]
    return found


def _matched(matches: Sequence[PaymentMatch]) -> list[Meaning]:
    return [Meaning(one.field, one.id) for one in matches]
