"""The generated pages are what the code says."""

from __future__ import annotations

import pytest

from tests.tidy.reference_pages import PAGES, REFERENCE
from tests.tidy.rooms_picture import LONGEST_PURPOSE, PICTURE, picture, purpose, rooms


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_up_to_date(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make docs`"


def test_picture_of_the_rooms_is_up_to_date() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run `make docs`"


def test_every_room_says_its_purpose_in_one_short_line() -> None:
    assert all(0 < len(purpose(room)) <= LONGEST_PURPOSE for room in rooms())
