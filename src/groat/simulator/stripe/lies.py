"""Answers with wrong amounts, for the fault ``lie``."""

from __future__ import annotations

import json

from groat.simulator.wire import Answer, answer

_AMOUNTS = ("amount", "amount_capturable", "amount_received")


def told_wrong(reply: Answer) -> Answer:
    """Return ``reply`` with its object's amounts one minor unit too high. Zero stays zero."""
    thing = json.loads(reply.body)
    wrong = {name: thing[name] + 1 for name in _AMOUNTS if thing.get(name)}
    return answer(reply.status, {**thing, **wrong})
