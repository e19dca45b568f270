"""Answers with wrong amounts, for the fault ``lie``."""

from __future__ import annotations

import json
from typing import Any

from groat.kernel.money import Money
from groat.simulator.paypal.objects import amount
from groat.simulator.wire import Answer, encode


def told_wrong(reply: Answer) -> Answer:
    """Return ``reply`` with every amount one minor unit too high. Zero stays zero."""
    if not reply.body:
        return reply
    return Answer(reply.status, encode(_wrong(json.loads(reply.body))))


def _wrong(value: Any) -> Any:
    match value:
        case {"currency_code": str(currency), "value": str(text)}:
            correct = Money.from_decimal(text, currency).amount
            return amount(Money(correct + 1 if correct else 0, currency))
        case dict():
            return {name: _wrong(part) for name, part in value.items()}
        case list():
            return [_wrong(part) for part in value]
        case _:
            return value
