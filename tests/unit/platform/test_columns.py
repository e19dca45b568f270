"""Columns are PostgreSQL's binary arrays: psycopg's own loaders read back what we pack."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import Format

from groat.platform.postgres.columns import (
    Bigints,
    Blobs,
    Column,
    Texts,
    Times,
    Uuids,
    register_columns,
)

MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


class Context:
    """What psycopg adapts values for, with our columns."""

    connection = None

    def __init__(self) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        register_columns(self)


def read_back(column: Column) -> list[object]:
    transformer = Transformer(Context())
    [packed] = transformer.dump_sequence([column], [PyFormat.AUTO])
    assert packed is not None
    assert transformer.formats == [Format.BINARY]
    assert transformer.types is not None
    values: list[object] = transformer.get_loader(transformer.types[0], Format.BINARY).load(packed)
    return values


@given(
    st.one_of(
        st.builds(Bigints, st.lists(st.integers(-(2**63), 2**63 - 1))),
        st.builds(Uuids, st.lists(st.none() | st.uuids())),
        st.builds(Texts, st.lists(TEXT)),
        st.builds(Blobs, st.lists(st.binary())),
        st.builds(Times, st.lists(st.none() | MOMENTS)),
    )
)
def test_a_written_column_is_read_back_unchanged(column: Column) -> None:
    assert read_back(column) == list(column.values)


def test_the_ends_of_each_type_fit() -> None:
    ends = [UUID(int=0), UUID(int=2**128 - 1), None]
    assert read_back(Uuids(ends)) == ends


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_a_number_that_is_no_bigint_is_refused(value: int) -> None:
    with pytest.raises(Exception, match="int"):
        read_back(Bigints([value]))
