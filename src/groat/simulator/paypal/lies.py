"""Answers whose amounts are not what was done."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from groat.kernel.money import Money
from groat.simulator.paypal.objects import amount
from groat.simulator.wire import Answer, encode


def retold(reply: Answer, told: Callable[[int], int]) -> Answer:
    """Return ``reply`` with every amount in it as ``told``, in minor units, of what it is."""
    if not reply.body:
        return reply
    return Answer(reply.status, encode(_retold(json.loads(reply.body), told)))


def _retold(value: Any, told: Callable[[int], int]) -> Any:
    match value:
        case {"currency_code": str(currency), "value": str(text)}:
            return amount(Money(told(Money.from_decimal(text, currency).amount), currency))
        case dict():
            return {name: _retold(part, told) for name, part in value.items()}
        case list():
            return [_retold(part, told) for part in value]
        case _:
            return value
