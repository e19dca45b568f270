from __future__ import annotations

from typing import Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.providers.domain.facts import Captured, Report
from groat.providers.port import Answered, Unknown, payment_reference, refund_reference
from groat.providers.reading import (
    EventText,
    Malformed,
    Payload,
    active_values,
    convert,
    own_payment_id,
    own_refund_id,
    parse,
    read,
)


class Thing(Payload):
    name: str


@given(st.uuids())
def test_our_id_returned_by_a_provider_is_read(value: UUID) -> None:
    assert own_payment_id(payment_reference(PaymentId(value))) == value
    assert own_refund_id(refund_reference(RefundId(value))) == value


@given(st.none() | st.text())
def test_any_other_text_is_no_id(text: str | None) -> None:
    assert own_payment_id(text) is None
    assert own_refund_id(text) is None


def test_an_id_of_another_kind_is_no_payment_and_no_refund() -> None:
    assert own_payment_id(refund_reference(RefundId(ids.uuid7()))) is None
    assert own_refund_id(payment_reference(PaymentId(ids.uuid7()))) is None


@pytest.mark.parametrize(
    ("setting", "values"),
    [(None, []), ("", []), ("one", ["one"]), ("one,two", ["one", "two"]), (",one,,", ["one"])],
)
def test_a_credential_that_rotates_has_two_values(setting: str | None, values: list[str]) -> None:
    assert active_values(setting) == values


def _read_thing(payload: dict[str, object]) -> tuple[Report, ...]:
    reference = convert(Thing, payload).name
    return (Report(None, reference, Captured(reference, Money.from_decimal(reference, "EUR"))),)


def test_a_documented_answer_is_read() -> None:
    assert read(lambda: _read_thing({"name": "5"})) == Answered(
        (Report(None, "5", Captured("5", Money(500, "EUR"))),)
    )


def test_an_undocumented_answer_is_unknown_and_not_quoted() -> None:
    reply = read(lambda: _read_thing({"name": 4111111111111111}))
    assert reply == Unknown("unreadable: Expected `str`, got `int` - at `$.name`")
    assert isinstance(read(lambda: _read_thing({"name": "five"})), Unknown)


def test_unread_fields_can_appear_and_disappear() -> None:
    assert convert(Thing, {"name": "a", "new": 1}) == Thing(name="a")


@pytest.mark.parametrize("text", ["", "a" * 256, "evt\x00", "evt 1", "evt\n", "é"])
def test_an_event_id_must_be_storable(text: str) -> None:
    with pytest.raises(Malformed):
        convert(EventText, text)


@pytest.mark.parametrize(
    "text", ["e", "evt_1", "WH-2WR32451HC0233532-67976317FL4543714", "a" * 255]
)
def test_an_event_id_is_kept(text: str) -> None:
    assert convert(EventText, text) == text


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b'{"name":"a"} {}', "JSON is malformed: trailing characters (byte 14)"),
        (b'{"name":"a","new":1.}', "JSON is malformed: invalid number (byte 20)"),
        (b'{"name":"a","new":"\\ud800"}', "Input data was truncated"),
        (b'{"name":"a","new":"\xff"}', "UnicodeDecodeError"),
        (b'{"name":"a","new":' + 100_000 * b"[", "RecursionError"),
    ],
    ids=["nothing", "cut", "more", "number", "surrogate", "bytes", "deep"],
)
def test_a_body_that_is_not_json_is_malformed_even_in_unread_parts(body: bytes, why: str) -> None:
    with pytest.raises(Malformed) as malformed:
        parse(Thing, body)
    assert str(malformed.value) == why


class Choice(Payload):
    chosen: Literal["a", "b"]


@pytest.mark.parametrize("text", ["4111", "it's - at `$.name`", "a\nb", ""])
def test_a_malformed_body_is_not_quoted(text: str) -> None:
    with pytest.raises(Malformed) as malformed:
        convert(Choice, {"chosen": text})
    assert str(malformed.value) == "Invalid enum value - at `$.chosen`"
