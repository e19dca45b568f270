"""Signed notes, against the vectors of golang.org/x/mod/sumdb/note."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.audit.domain.note import NotSigned, SigningKey, VerifierKey, is_key_name, opened, signed

VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdn"
    "gotpRZb6KE6RyyBwJnAM=\n"
)
NOTE = f"{TEXT}\n{SIGNATURE}"
KEY = VerifierKey.parse(VERIFIER)
OTHER = SigningKey("example.com/log", bytes(32))


def test_a_note_is_signed_as_the_reference_signs_it() -> None:
    assert signed(TEXT, [SigningKey("PeterNeumann", PRIVATE)]) == NOTE


def test_a_note_of_the_reference_is_opened() -> None:
    assert opened(NOTE, [KEY]) == TEXT


def test_verifier_keys_are_written_as_the_reference_writes_them() -> None:
    assert str(KEY) == VERIFIER
    assert SigningKey("PeterNeumann", PRIVATE).verifier == KEY


@pytest.mark.parametrize("start", range(0, len(VERIFIER), 7))
def test_parts_of_a_verifier_key_are_refused(start: int) -> None:
    for end in range(start + 1, len(VERIFIER) + 1):
        if (start, end) != (0, len(VERIFIER)):
            with pytest.raises(NotSigned):
                VerifierKey.parse(VERIFIER[start:end])


@pytest.mark.parametrize("place", range(len(VERIFIER)))
def test_a_verifier_key_with_one_other_character_is_refused(place: int) -> None:
    other = VERIFIER[:place] + chr(ord(VERIFIER[place]) + 1) + VERIFIER[place + 1 :]
    with pytest.raises(NotSigned):
        VerifierKey.parse(other)


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_key_of_another_length_or_kind_is_refused(key: str) -> None:
    with pytest.raises(NotSigned):
        VerifierKey.parse(key)


def test_one_trusted_signature_suffices_and_unknown_ones_are_ignored() -> None:
    both = NOTE + OTHER.signature(TEXT)
    assert opened(both, [KEY]) == TEXT
    assert opened(both, [OTHER.verifier]) == TEXT


def test_a_wrong_signature_of_a_trusted_key_spoils_the_note() -> None:
    wrong = SigningKey("PeterNeumann", PRIVATE).signature("another text\n")
    with pytest.raises(NotSigned, match="wrong"):
        opened(f"{TEXT}\n{OTHER.signature(TEXT)}{wrong}", [KEY, OTHER.verifier])


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + SIGNATURE,
        f"{TEXT}\n",
        NOTE[:-1],
        f"{NOTE}\n",
        f"{NOTE}more\n",
        NOTE.replace("\u2014 ", "- "),
        NOTE.replace("PeterNeumann ", ""),
        NOTE.replace("answer", "ans\x07wer"),
        f"{TEXT}\n\u2014 PeterNeumann x08g\n",
        f"{TEXT}\n{SIGNATURE * 65}",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(NotSigned):
        opened(note, [KEY])


def test_a_note_without_a_trusted_signature_is_refused() -> None:
    with pytest.raises(NotSigned, match="no trusted key"):
        opened(NOTE, [OTHER.verifier])
    with pytest.raises(NotSigned, match="no trusted key"):
        opened(NOTE, [])


@given(st.integers(0, len(TEXT) - 2), st.characters(categories=["Lu", "Ll", "Nd"]))
def test_a_text_with_one_other_character_is_refused(place: int, character: str) -> None:
    changed = TEXT[:place] + character + TEXT[place + 1 :]
    if changed != TEXT:
        with pytest.raises(NotSigned, match="wrong"):
            opened(f"{changed}\n{SIGNATURE}", [KEY])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", " a", "a\x00"])
def test_names_that_would_break_a_note_are_refused(name: str) -> None:
    assert not is_key_name(name)


def test_a_name_may_be_an_address_without_its_scheme() -> None:
    assert is_key_name("example.com/groat/audit")
