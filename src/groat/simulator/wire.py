"""JSON, and answers in a form that can be stored and repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = "Mapping[str, Json]"


class Parameters(BaseModel):
    """The parameters of a request. As at the providers, an unknown parameter is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response without its headers: the status and the bytes of the body."""

    status: int
    body: bytes
    replayed: bool = False
    """Whether it repeats the stored answer to an earlier request with the same key."""


def encode(value: Json) -> bytes:
    """Return ``value`` as compact JSON. If it is decoded and encoded again, its bytes are equal."""
    return json.dumps(value, separators=(",", ":")).encode()


def answer(status: int, value: Json) -> Answer:
    """Return the answer with ``value`` as its JSON body."""
    return Answer(status, encode(value))
