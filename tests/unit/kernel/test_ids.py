from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.errors import NotFound

KINDS = st.sampled_from(sorted(ids.PREFIXES))
SUFFIXES = st.text("0123456789abcdefghjkmnpqrstvwxyzilouAZé_ ", min_size=26, max_size=26)
NEARLY = st.builds("{}_{}".format, st.sampled_from(sorted(ids.PREFIXES.values())), SUFFIXES)


@given(KINDS, st.uuids())
def test_a_rendered_id_is_parsed_to_the_same_id(kind: str, value: UUID) -> None:
    shown = ids.render(kind, value)
    assert shown.startswith(f"{ids.PREFIXES[kind]}_")
    assert ids.parse(kind, shown) == value
    assert ids.parse_any(shown) == value


@given(KINDS, KINDS, st.uuids())
def test_an_id_of_another_kind_is_not_found(kind: str, other: str, value: UUID) -> None:
    if kind != other:
        with pytest.raises(NotFound) as missing:
            ids.parse(other, ids.render(kind, value))
        assert missing.value.code == f"{other}_not_found"


@given(KINDS, st.text() | NEARLY)
def test_any_text_is_a_canonical_id_or_not_found(kind: str, text: str) -> None:
    try:
        value = ids.parse(kind, text)
    except NotFound:
        return
    assert ids.render(kind, value) == text


@given(st.text() | NEARLY)
def test_any_text_is_an_id_of_some_kind_or_not_found(text: str) -> None:
    try:
        value = ids.parse_any(text)
    except NotFound:
        return
    assert text in {ids.render(kind, value) for kind in ids.PREFIXES}


def test_derived_ids_sort_in_order_and_are_reproducible() -> None:
    for _ in range(50):
        chain = [ids.uuid7()]
        for _ in range(5):
            chain.append(ids.following(b"test", chain[-1]))
        assert chain == sorted(chain)
        assert len(set(chain)) == len(chain)
        assert [one.version for one in chain] == [7, 8, 8, 8, 8, 8]
        assert chain[1] == ids.following(b"test", chain[0]) != ids.following(b"other", chain[0])


def test_an_id_matches_the_example_of_the_typeid_specification() -> None:
    value = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert ids.render("payment", value) == "pay_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pay",
        "pay_",
        "_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "pay_01h455vb4pex5vsknk084sn02",
        "pay_01h455vb4pex5vsknk084sn02qq",
        "pay_01H455VB4PEX5VSKNK084SN02Q",
        "pay_81h455vb4pex5vsknk084sn02q",
        "pay_01h455vb4pex5vsknk084sn02\n",
        "PAY_01h455vb4pex5vsknk084sn02q",
        "pay_00" + 12 * "é",  # of 26 bytes
        "pay_0" + 25 * "\ud800",
    ],
)
def test_a_text_that_resembles_an_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        ids.parse("payment", text)


def test_new_ids_sort_in_the_order_they_were_made() -> None:
    made = [ids.uuid7() for _ in range(100)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {value.version for value in made} == {7}


def test_not_found_quotes_little_and_escapes_it() -> None:
    error = ids.not_found("provider_account", "\x1b[31m" + "é" * 100)
    assert error.code == "provider_account_not_found"
    assert error.message.startswith("There is no provider account '\\x1b[31m\\xe9")
    assert error.message.count("\\xe9") == 59


def test_prefixes_distinguish_kinds() -> None:
    assert len(set(ids.PREFIXES.values())) == len(ids.PREFIXES)


@given(st.uuids())
def test_a_merchant_id_is_an_integer_inside_and_a_full_id_outside(value: UUID) -> None:
    merchant_id = ids.new_merchant_id(lambda: value)
    assert 0 <= merchant_id < 2**62
    text = ids.render_merchant(merchant_id)
    assert (text[:4], len(text)) == ("mer_", 30)
    assert ids.parse_merchant(text) == merchant_id


@given(st.uuids())
def test_a_text_that_is_no_merchant_id_is_not_found(value: UUID) -> None:
    with pytest.raises(NotFound):
        ids.parse_merchant(ids.render("merchant", UUID(int=value.int | 1)))
