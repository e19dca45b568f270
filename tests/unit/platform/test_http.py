from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from groat.kernel import ids
from groat.kernel.errors import BadRequest, Conflict, Unavailable
from groat.kernel.ids import PaymentId
from groat.kernel.scopes import Room
from groat.platform.http.edge import (
    MAX_JSON_BYTES,
    Body,
    IdText,
    RouteTable,
    StrictRoute,
    View,
)
from groat.platform.http.keyed import KeyedOf, given_key
from groat.platform.http.middleware import LastResort, RequestIds
from groat.platform.http.paging import Limit, Paging
from groat.platform.http.problems import install_problem_documents

PAYMENT = UUID("01a22a46-8f03-7712-99f2-657207968d81")
PAYMENT_TEXT = ids.render("payment", PAYMENT)
SomePayment = Annotated[PaymentId, IdText("payment")]

routes = APIRouter(route_class=StrictRoute)


class Order(Body):
    amount: int
    payment: SomePayment
    note: str | None = None


class Shown(View):
    payment: SomePayment


@routes.post("/orders")
async def take_order(order: Order) -> Shown:
    return Shown(payment=order.payment)


@routes.get("/orders/{payment_id}")
async def show_order(payment_id: SomePayment, limit: Limit = 10) -> dict[str, str | int]:
    return {"hex": payment_id.hex, "limit": limit}


@routes.get("/fail/{how}")
async def fail(how: str) -> None:
    match how:
        case "conflict":
            raise Conflict("taken", "That is taken.")
        case "unavailable":
            raise Unavailable("overloaded", "Try again.")
        case _:
            raise RuntimeError("hunter2")


@routes.post("/raw")
async def raw(request: Request) -> dict[str, int]:
    return {"size": len(await request.body())}


@routes.post("/keyed")
async def keyed(_: KeyedOf) -> dict[str, str]:
    return {}


@routes.get("/request-id")
async def request_id(request: Request) -> dict[str, str]:
    return {"request_id": request.state.request_id}


app = FastAPI()
app.include_router(routes)
app.add_middleware(LastResort)
install_problem_documents(app)
app.add_middleware(RequestIds)


def _client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://groat.test")


async def _post(content: bytes, content_type: str = "application/json") -> httpx.Response:
    async with _client() as http:
        return await http.post("/orders", content=content, headers={"content-type": content_type})


async def _get(path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async with _client() as http:
        return await http.get(path, headers=headers)


def _assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code)
    assert document["type"] == f"/docs/errors#{code}"
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["retryable"] == (status in {408, 500, 503})
    assert document["title"]
    assert document["detail"]


def _order(**changes: object) -> bytes:
    return json.dumps({"amount": 5, "payment": PAYMENT_TEXT, **changes}).encode()


async def test_a_body_is_read_and_answered_with_ids_as_text() -> None:
    answer = await _post(_order())
    assert (answer.status_code, answer.json()) == (200, {"payment": PAYMENT_TEXT})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"\xff", 400, "invalid_json"),
        (b"[" * 10_000, 400, "invalid_json"),
        (b'{"amount":1,"amount":2}', 400, "invalid_json"),
        (b'{"amount":NaN}', 400, "invalid_json"),
        (_order(note="\x00"), 422, "unstorable_text"),
        (_order(note="4111 1111 1111 1111"), 422, "pan_detected"),
        (_order(unknown=1), 422, "invalid_request"),
        (_order(amount="5"), 422, "invalid_request"),
        (_order(amount=5.0), 422, "invalid_request"),
        (_order(amount=True), 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
        (b"", 422, "invalid_request"),
        (_order(payment=5), 422, "invalid_request"),
        (_order(payment="p" * 65), 422, "invalid_request"),
        (_order(payment="pay_x"), 404, "payment_not_found"),
        (_order(payment=ids.render("account", PAYMENT)), 404, "payment_not_found"),
        (_order(payment=str(PAYMENT)), 404, "payment_not_found"),
        (b" " * (MAX_JSON_BYTES + 1), 413, "body_too_large"),
    ],
)
async def test_invalid_bodies_are_refused_with_a_problem(
    body: bytes, status: int, code: str
) -> None:
    _assert_problem(await _post(body), status, code)


async def test_card_numbers_are_not_repeated() -> None:
    answer = await _post(_order(note="4111111111111111"))
    assert "4111" not in answer.text


async def test_an_error_names_the_field_and_the_reason() -> None:
    answer = await _post(_order(amount="5", unknown=1))
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"amount", "unknown"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_without_the_json_content_type_is_refused(content_type: str) -> None:
    _assert_problem(await _post(_order(), content_type), 422, "invalid_request")


@given(st.binary())
async def test_any_bytes_are_answered_with_a_4xx_problem(body: bytes) -> None:
    answer = await _post(body)
    assert 400 <= answer.status_code < 500
    _assert_problem(answer, answer.status_code, answer.json()["code"])


async def test_a_body_is_read_up_to_the_limit_and_no_further() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65_536

    async with _client() as http:
        largest = await http.post("/raw", content=b"1" + b" " * (MAX_JSON_BYTES - 1))
        too_large = await http.post("/raw", content=endless())
    assert largest.json() == {"size": MAX_JSON_BYTES}
    _assert_problem(too_large, 413, "body_too_large")
    assert sent == MAX_JSON_BYTES // 65_536 + 1


async def test_an_announced_length_over_the_limit_is_refused_unread() -> None:
    async def nothing() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    async with _client() as http:
        answer = await http.post("/raw", content=nothing(), headers={"content-length": "9" * 5000})
    _assert_problem(answer, 413, "body_too_large")


async def test_an_invalid_id_in_a_path_is_not_found() -> None:
    answer = await _get(f"/orders/{PAYMENT_TEXT}")
    assert answer.json() == {"hex": PAYMENT.hex, "limit": 10}
    _assert_problem(await _get("/orders/pay_nonsense"), 404, "payment_not_found")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1e9", "9" * 5000])
async def test_limits_are_bounded(limit: str) -> None:
    answer = await _get(f"/orders/{PAYMENT_TEXT}?limit={limit}")
    _assert_problem(answer, 422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "limit"


async def test_groat_errors_carry_their_code_and_figures() -> None:
    answer = await _get("/fail/conflict")
    _assert_problem(answer, 409, "taken")
    assert answer.json()["detail"] == "That is taken."


async def test_unavailable_answers_carry_retry_after() -> None:
    answer = await _get("/fail/unavailable")
    _assert_problem(answer, 503, "overloaded")
    assert answer.headers["retry-after"] == "1"


async def test_unforeseen_errors_are_logged_and_hidden_from_the_caller() -> None:
    with capture_logs() as logs:
        answer = await _get("/fail/unforeseen")
    _assert_problem(answer, 500, "internal_error")
    assert "hunter2" not in answer.text
    assert [line["event"] for line in logs] == ["request_failed"]
    assert str(logs[0]["exc_info"]) == "hunter2"


async def test_a_problem_names_the_wrong_field() -> None:
    assert (await _get(f"/orders/{PAYMENT_TEXT}?limit=0")).json()["param"] == "limit"
    assert (await _get("/nowhere")).json()["param"] is None


TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("given", "trace"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"cc-{TRACE}-b7ad6b7169203331-00", TRACE),
        (f"00-{TRACE}-4111111111111111-01", TRACE),  # looks like a card number by chance
        (f"ff-{TRACE}-b7ad6b7169203331-01", None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
        ("nonsense", None),
    ],
)
async def test_a_trace_is_kept_for_the_log_and_not_echoed(given: str, trace: str | None) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        answer = await _get("/fail/unforeseen", {"traceparent": given})
    assert answer.status_code == 500
    assert logs[0].get("trace_id") == trace
    assert TRACE not in str(answer.headers) + answer.text


async def test_errors_of_the_framework_are_problem_documents() -> None:
    _assert_problem(await _get("/nowhere"), 404, "not_found")
    answer = await _get("/orders")
    _assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("given_id", ["abc", "A-Z_0.9", "x" * 64])
async def test_a_valid_request_id_is_kept(given_id: str) -> None:
    answer = await _get("/request-id", {"x-request-id": given_id})
    assert answer.headers["x-request-id"] == given_id
    assert answer.json() == {"request_id": given_id}


@pytest.mark.parametrize("given_id", ["", "x" * 65, "a b", 'a"b', "a\tb", "a,b"])
async def test_an_invalid_request_id_is_replaced(given_id: str) -> None:
    answer = await _get("/request-id", {"x-request-id": given_id})
    assert re.fullmatch(r"req_[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.json() == {"request_id": answer.headers["x-request-id"]}


async def test_each_request_gets_its_own_id() -> None:
    seen = {(await _get("/nowhere")).headers["x-request-id"] for _ in range(5)}
    assert len(seen) == 5


def test_ids_are_described_as_text() -> None:
    schema = Shown.model_json_schema(mode="serialization")["properties"]["payment"]
    assert schema["type"] == "string"
    assert re.fullmatch(schema["pattern"], PAYMENT_TEXT)


@given(st.integers(0, 12), st.integers(1, 10))
def test_each_page_but_the_last_has_a_next_cursor(there: int, limit: int) -> None:
    paging = Paging(limit, None, lambda place: f"signed {place}")
    rows = list(range(there))[: paging.rows]
    page = paging.page(rows, lambda row: row, str)
    assert page.data == rows[:limit]
    assert page.next_cursor == (f"signed {limit - 1}" if there > limit else None)


async def test_an_incomplete_body_times_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("groat.platform.http.bodies._READ_SECONDS", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with _client() as http:
        answer = await http.post("/raw", content=stuck())
    _assert_problem(answer, 408, "body_too_slow")


@pytest.mark.parametrize("given", ["4242424242424242", "a-4242-4242-4242-4242"])
async def test_a_request_id_that_looks_like_a_card_number_is_refused(given: str) -> None:
    answer = await _get("/request-id", {"x-request-id": given})
    _assert_problem(answer, 422, "pan_detected")
    assert given not in answer.text + answer.headers["x-request-id"]


async def test_an_idempotency_key_that_looks_like_a_card_number_is_refused() -> None:
    async with _client() as http:
        refused = await http.post("/keyed", headers={"idempotency-key": "4242424242424242"})
    _assert_problem(refused, 422, "pan_detected")


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("order-1", "order-1"),
        ('"order-1"', "order-1"),
        ('"two words"', "two words"),
        (r'"a \"quoted\" \\ word"', r'a "quoted" \ word'),
        ('a"b', 'a"b'),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
        ("", None),
        ("two words", None),
        ('"', None),
        ('""', None),
        ('"open', None),
        ('"a"b"', None),
        ("caf\xe9", None),
    ],
)
def test_an_idempotency_key_is_read_raw_or_quoted(given: str, key: str | None) -> None:
    assert given_key(_keyed_request(given), required=True) == key


def test_a_missing_and_a_repeated_idempotency_key_are_refused() -> None:
    assert given_key(_keyed_request(), required=False) is None
    with pytest.raises(BadRequest, match="needs the header"):
        given_key(_keyed_request(), required=True)
    with pytest.raises(BadRequest, match="given twice"):
        given_key(_keyed_request("a", "a"), required=False)


def _keyed_request(*keys: str) -> Request:
    headers = [(b"idempotency-key", key.encode("latin-1")) for key in keys]
    return Request({"type": "http", "headers": headers})


def test_a_post_without_an_idempotency_key_cannot_be_declared() -> None:
    async def handler() -> Shown:
        raise AssertionError

    table = RouteTable(Room.PAYMENTS, "/v1/things", "things")
    with pytest.raises(TypeError, match="takes no Idempotency-Key"):
        table.post("", handler)
