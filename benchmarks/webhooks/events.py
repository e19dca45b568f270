"""The delivered events: Stripe's ``charge.succeeded``, each about another payment.

All content of an event follows from its number. So the client and the code that looks for the
event's effect exchange only numbers.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.waiting_payments import CURRENCY
from groat.simulator.signatures import stripe_signature
from groat.simulator.stripe.cards import find_card
from groat.simulator.stripe.model import EventCause, Intent, Method, StripeCharge, StripeEvent
from groat.simulator.stripe.objects import event_object
from groat.simulator.stripe.payment_objects import charge as charge_object
from groat.simulator.wire import JsonObject

SECRET = "whsec_benchmark0000000000000000000000"  # noqa: S105 - it protects nothing
REPEATED = 0.3
"""Share of the deliveries that repeat an earlier delivery."""

_MADE_AT = 1_790_000_000
"""Unix time at which all events were created."""

_AMOUNT = 987_654_321
"""Number that stands for the amount in the template."""


class Payment(NamedTuple):
    """The payment of an event: Groat's id, as in the metadata, and the amount in minor units."""

    reference: str
    amount: int


def amount(number: int) -> int:
    """Return the amount of payment ``number``."""
    return 1000 + number % 9000


def charge_id(number: int) -> str:
    """Return Stripe's id of the charge of payment ``number``."""
    return _stripe_id("ch", number)


def body(number: int, payment: Payment) -> bytes:
    """Return the body of event ``number`` in Stripe's format: JSON indented by two spaces."""
    text = _TEMPLATE % {
        "event": _stripe_id("evt", number),
        "charge": charge_id(number),
        "intent": _stripe_id("pi", number),
        "payment": payment.reference,
        "amount": payment.amount,
    }
    return text.encode()


def signed(content: bytes) -> str:
    """Return the ``Stripe-Signature`` header of ``content`` for the present time."""
    return stripe_signature(SECRET, content, int(time.time()))


def deliveries(numbers: Sequence[int], seed: int) -> list[int]:
    """Return the order of deliveries: every event once, and some of them again.

    A repeated delivery comes at any time after the first delivery of its event. The beginning of an
    order has the same properties as the whole.
    """
    source = random.Random(seed)  # noqa: S311 - every run must deliver the same order
    repeats = round(len(numbers) * REPEATED / (1 - REPEATED))
    again = [False] * (len(numbers) - 1) + [True] * repeats
    source.shuffle(again)
    order: list[int] = []
    fresh = iter(numbers)
    for repeated in (False, *again):
        order.append(source.choice(order) if repeated else next(fresh))
    return order


def _stripe_id(prefix: str, number: int) -> str:
    """Return an id in Stripe's form. Ids of successive numbers are not neighbours in sort order."""
    digest = hashlib.blake2b(b"%s%d" % (prefix.encode(), number), digest_size=12)
    return f"{prefix}_{digest.hexdigest()}"


def _template() -> str:
    method = Method("pm_1QBenchmarkCardVisa000001", find_card("pm_card_visa"))
    intent = Intent(
        id="%(intent)s",
        client_secret="",
        created=_MADE_AT,
        amount=_AMOUNT,
        currency=CURRENCY.lower(),
        capture_method="automatic",
        allow_redirects="never",
        payment_method_types=("card",),
        description="Order from the benchmark's shop",
        metadata={"groat_payment": "%(payment)s"},
        return_url=None,
        status="succeeded",
    )
    made = StripeCharge("%(charge)s", intent, _MADE_AT, method, None, captured=True)
    made.amount_captured = _AMOUNT
    made.balance_transaction = "txn_1QBenchmarkBalance000001"
    return json.dumps(_event(charge_object(made)), indent=2).replace(str(_AMOUNT), "%(amount)d")


def _event(subject: JsonObject) -> JsonObject:
    cause = EventCause("req_BenchmarkReq01", "groat-benchmark-idempotency-key")
    return event_object(StripeEvent("%(event)s", "charge.succeeded", _MADE_AT, subject, cause), 1)


_TEMPLATE = _template()
