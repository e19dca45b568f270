"""The ``Idempotency-Key`` header of a request, as raw text or quoted.

The quoted form is that of draft-ietf-httpapi-idempotency-key-header: a string of RFC 8941.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, TypeAlias, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from groat.kernel.caller import Caller
from groat.kernel.errors import BadRequest, GroatError, Unavailable
from groat.platform.http.strict_json import Json
from groat.platform.postgres.idempotency import (
    AnsweredBefore,
    Once,
    RequestKey,
    StoredAnswer,
    StoredAnswers,
)

KEY_HEADER = "idempotency-key"
REPLAYED_HEADER = "idempotent-replayed"

_FORM = r'^([!#-~][!-~]{0,254}|"([ !#-\[\]-~]|\\["\\]){1,255}")$'
_PATTERN = re.compile(_FORM, re.ASCII)
_ESCAPED = re.compile(r'\\(["\\])')

_HEADER = Header(
    alias="Idempotency-Key",
    pattern=_FORM,
    description="Up to 255 printable ASCII characters, raw or in quotation marks. A request that "
    "repeats a key of the last 30 days has no second effect: it gets the first answer again, with "
    "`Idempotent-Replayed: true`. A key belongs to one operation.",
    examples=["order-1"],
)

Result = TypeVar("Result")


class KeyedRequest:
    """A request with its key, if it has one. Its command stores ``answer``."""

    def __init__(self, request_key: RequestKey | None, status: int) -> None:
        self.request_key = request_key
        self.status = status
        self.answer: StoredAnswer | None = None

    def once(self, view: Callable[[Result], BaseModel]) -> Once[Result]:
        """Return how a command stores the ``view`` of its result as the answer."""

        def render(result: Result) -> StoredAnswer:
            self.answer = StoredAnswer(self.status, view(result).model_dump_json().encode())
            return self.answer

        return Once(self.request_key, render)


async def _optional(request: Request, _: Annotated[str | None, _HEADER] = None) -> KeyedRequest:
    keyed: KeyedRequest = request.state.keyed
    return keyed


async def _required(request: Request, _: Annotated[str, _HEADER]) -> KeyedRequest:
    keyed: KeyedRequest = request.state.keyed
    return keyed


KeyedOf: TypeAlias = Annotated[KeyedRequest, Depends(_optional)]
"""The request of a route that accepts an ``Idempotency-Key``."""

RequiredKeyOf: TypeAlias = Annotated[KeyedRequest, Depends(_required)]
"""The request of a route that requires an ``Idempotency-Key``."""


def given_key(request: Request, *, required: bool) -> str | None:
    """Return the key of a request, None if it has none or one of the wrong form.

    The framework refuses a key of the wrong form, with the pattern that OpenAPI shows.

    Raises:
        BadRequest: ``idempotency_key_required``, or ``repeated_header``.
    """
    given = request.headers.getlist(KEY_HEADER)
    if len(given) > 1:
        raise BadRequest("repeated_header", "Idempotency-Key is given twice; give it once.")
    if required and not given:
        raise BadRequest(
            "idempotency_key_required",
            "This call needs the header Idempotency-Key, so that a repeated call has one effect.",
        )
    text = given[0] if given else ""
    if not _PATTERN.fullmatch(text):
        return None
    return _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text


async def keyed_request(
    request: Request, key: str | None, route: str, status: int, body: Json
) -> KeyedRequest:
    """Return the request with its ``key``. The order of members in its body does not matter."""
    if key is None:
        return KeyedRequest(None, status)
    caller: Caller = request.state.caller
    answers: StoredAnswers = request.app.state.answers
    content = json.dumps([request.scope["path"], body], sort_keys=True).encode()
    found = await answers.request_key(caller.merchant_id, route, key, content)
    return KeyedRequest(found, status)


async def answered_once(
    request: Request, keyed: KeyedRequest, handle: Callable[[], Awaitable[Response]]
) -> Response:
    """Return the answer of ``handle``, or the first answer if the key has one.

    A repetition may fail before it reaches the key, for example because an object is gone
    meanwhile. So a refused request with a key is looked up.
    """
    try:
        answer = await handle()
    except AnsweredBefore as before:
        return _replay(before.answer)
    except Unavailable:
        raise
    except GroatError:
        if keyed.request_key is not None:
            try:
                await request.app.state.answers.find(keyed.request_key)
            except AnsweredBefore as before:
                return _replay(before.answer)
        raise
    return answer if keyed.answer is None else _response(keyed.answer)


def _response(answer: StoredAnswer) -> Response:
    return Response(answer.body, HTTPStatus(answer.status), media_type="application/json")


def _replay(answer: StoredAnswer) -> Response:
    response = _response(answer)
    response.headers[REPLAYED_HEADER] = "true"
    return response
