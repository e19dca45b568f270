"""The digest of personal data names one set of data, and needs the salt."""

from __future__ import annotations

from itertools import combinations
from uuid import UUID

from groat.kernel.value import replace
from groat.payments.domain.payment import Customer
from groat.payments.domain.personal import personal_digest
from tests.unit.payments.examples import TERMS

SALT = UUID(int=7)
PLAIN = replace(TERMS, reference=None)
VARIANTS = [
    PLAIN,
    replace(PLAIN, reference="a"),
    replace(PLAIN, customer=Customer("a")),
    replace(PLAIN, customer=Customer(None, "a")),
    replace(PLAIN, description="a"),
    replace(PLAIN, return_url="a"),
    replace(PLAIN, metadata={"a": "b"}),
    replace(PLAIN, metadata={"a": "b", "c": "d"}),
    replace(PLAIN, metadata={"a": "b;1:c;1:d"}),
    replace(PLAIN, description="a;-;1:b;1:c"),
    replace(PLAIN, description="-"),
]


def test_no_two_sets_of_data_have_one_digest() -> None:
    for one, other in combinations(VARIANTS, 2):
        assert personal_digest(one, SALT) != personal_digest(other, SALT)


def test_the_order_of_metadata_does_not_matter() -> None:
    first = replace(PLAIN, metadata={"a": "b", "c": "d"})
    second = replace(PLAIN, metadata={"c": "d", "a": "b"})
    assert personal_digest(first, SALT) == personal_digest(second, SALT)


def test_data_cannot_be_guessed_from_the_digest_without_the_salt() -> None:
    assert personal_digest(PLAIN, SALT) != personal_digest(PLAIN, UUID(int=8))
