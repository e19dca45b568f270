from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.audit.domain.action import Action
from groat.audit.domain.record import Cause, Change, Record, Scalar, canonical_bytes, leaf_hash
from groat.kernel import ids
from groat.kernel.ids import MerchantId, RecordId
from groat.kernel.value import replace


class Happening(Action):
    CAPTURED = "payment.captured", "An amount was captured."
    DECLINED = "payment.declined", "A payment was declined."


ROW = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
CHANGE = Change(
    action=Happening.CAPTURED,
    kind="payment",
    object_id=ROW,
    actor="engine",
    cause=Cause("req_1"),
    data={"status": "succeeded", "amount": 1050, "late": False, "code": None},
)
RECORD = Record(
    MerchantId(ROW.int >> 64), RecordId(ROW), CHANGE, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
)

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()


def test_a_record_has_one_serialization() -> None:
    assert canonical_bytes(RECORD) == (
        b'{"action":"payment.captured","actor":"engine","cause":"req_1",'
        b'"data":{"amount":1050,"code":null,"late":false,"status":"succeeded"},'
        b'"id":"aud_01h455vb4pex5vsknk084sn02q","merchant":"mer_01h455vb4pex5g000000000000",'
        b'"object":"pay_01h455vb4pex5vsknk084sn02q",'
        b'"recorded_at":"2026-01-02T03:04:05.000000+00:00"}'
    )


@given(st.dictionaries(st.text("abcdefgh_"), SCALARS))
def test_the_order_of_keys_does_not_change_a_record(data: dict[str, Scalar]) -> None:
    backwards = dict(reversed(data.items()))
    content = canonical_bytes(replace(RECORD, change=replace(CHANGE, data=data)))
    assert content == canonical_bytes(replace(RECORD, change=replace(CHANGE, data=backwards)))
    assert json.loads(content)["data"] == data


@pytest.mark.parametrize(
    "other",
    [
        replace(RECORD, id=RecordId(ids.uuid7())),
        replace(RECORD, merchant_id=ids.new_merchant_id(ids.uuid7)),
        replace(RECORD, recorded_at=datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC)),
        *(
            replace(RECORD, change=change)
            for change in (
                replace(CHANGE, action=Happening.DECLINED),
                replace(CHANGE, kind="operation"),
                replace(CHANGE, object_id=ids.uuid7()),
                replace(CHANGE, actor="operator"),
                replace(CHANGE, cause=Cause("req_2")),
                replace(CHANGE, data={**CHANGE.data, "amount": 1051}),
                replace(CHANGE, data={**CHANGE.data, "amount": "1050"}),
            )
        ),
    ],
)
def test_any_change_of_a_record_changes_its_leaf(other: Record) -> None:
    assert leaf_hash(canonical_bytes(other)) != leaf_hash(canonical_bytes(RECORD))


def test_text_is_serialized_by_rfc_8785() -> None:
    text = '\u20ac$\x0f\nA\'B"\\\\"/'
    record = replace(RECORD, change=replace(CHANGE, data={"text": text}))
    assert '"text":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode() in canonical_bytes(record)


def test_the_leaf_of_no_bytes_equals_rfc_6962() -> None:
    empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == empty


@given(st.binary())
def test_a_leaf_is_never_the_plain_hash(content: bytes) -> None:
    """The prefix keeps an inner node from being passed off as a leaf."""
    assert leaf_hash(content) == hashlib.sha256(b"\x00" + content).digest()
    assert leaf_hash(content) != hashlib.sha256(content).digest()


def test_an_object_of_the_engine_is_recorded_as_cause_with_its_row() -> None:
    assert Cause.of("operation", ROW) == Cause("op_01h455vb4pex5vsknk084sn02q", ROW)
    assert Cause("req_1").row is None


def test_every_character_is_serialized_by_rfc_8785() -> None:
    """Section 3.2.2.2: seven have a short escape, the other controls a long one, the rest none."""
    short = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 92: "\\"}
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    escaped = (
        f"\\{short[one]}" if one in short else f"\\u{one:04x}" if one < 0x20 else chr(one)
        for one in points
    )
    record = replace(RECORD, change=replace(CHANGE, data={"text": "".join(map(chr, points))}))
    assert f'"text":"{"".join(escaped)}"'.encode() in canonical_bytes(record)


AWKWARD = st.text('",:{}\\ab\n\u20ac', max_size=8)
CHANGES = st.builds(
    lambda actor, cause, data: replace(CHANGE, actor=actor, cause=Cause(cause), data=data),
    AWKWARD,
    AWKWARD,
    st.dictionaries(AWKWARD, AWKWARD, max_size=3),
)


@given(CHANGES, CHANGES)
def test_no_text_makes_two_records_look_alike(one: Change, other: Change) -> None:
    """Whatever actor, cause and data contain, different records have different bytes."""
    first, second = (canonical_bytes(replace(RECORD, change=change)) for change in (one, other))
    assert (first == second) == (one == other)
    assert json.loads(first)["data"] == one.data


@given(AWKWARD, AWKWARD)
def test_a_text_that_moves_from_one_field_to_another_shows(actor: str, cause: str) -> None:
    moved = replace(CHANGE, actor=actor + cause, cause=Cause(""))
    kept = replace(CHANGE, actor=actor, cause=Cause(cause))
    first, second = (canonical_bytes(replace(RECORD, change=change)) for change in (moved, kept))
    assert (first == second) == (cause == "")
