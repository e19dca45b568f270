"""The generated pages are what the code says."""

from __future__ import annotations

import pytest

from tests.tidy.reference_pages import PAGES, REFERENCE
from tests.tidy.rooms_picture import PICTURE, PURPOSES, picture, rooms


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_up_to_date(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make docs`"


def test_picture_of_the_rooms_is_up_to_date() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run `make docs`"


def test_picture_names_every_room() -> None:
    assert PURPOSES.keys() == set(rooms())
