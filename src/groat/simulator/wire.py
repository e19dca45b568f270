"""What goes over the wire: JSON, and answers that can be kept and given again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = "Mapping[str, Json]"


class Parameters(BaseModel):
    """The parameters of a request; one that it does not know is an error, as it is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply before it has headers: the status and the bytes of the body."""

    status: int
    body: bytes
    replayed: bool = False
    """Whether it was kept from an earlier request with the same key."""


def encode(value: Json) -> bytes:
    """Return compact JSON. Decoding and encoding it again yields the same bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


def answer(status: int, value: Json) -> Answer:
    """Return the reply that carries ``value`` as JSON."""
    return Answer(status, encode(value))
