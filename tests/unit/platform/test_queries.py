from __future__ import annotations

from pathlib import Path

import pytest

from groat.platform.postgres.queries import Query, load_queries


def _load(folder: Path, text: str) -> dict[str, Query]:
    (folder / "things.sql").write_text(text, encoding="utf-8")
    return load_queries(str(folder / "store.py"), "things.sql")


def test_queries_are_found_by_name_beside_their_store(tmp_path: Path) -> None:
    one = "-- name: get_one\n-- why\nselect %(b)s, %(a)s, %(b)s % 2;"
    text = f"{one}\n\n-- name: get_two\nselect 'é';\n"
    assert _load(tmp_path, text) == {
        "get_one": Query(b"-- why\nselect $1, $2, $1 % 2;", ("b", "a")),
        "get_two": Query("select 'é';".encode()),
    }


def test_an_empty_file_has_no_queries(tmp_path: Path) -> None:
    assert _load(tmp_path, "\n") == {}


@pytest.mark.parametrize(
    "text", ["select 1;\n-- name: a\nselect 2;", "-- name: a\nselect 1;\n-- name: a\nselect 2;"]
)
def test_a_query_without_a_unique_name_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"things\.sql"):
        _load(tmp_path, text)
