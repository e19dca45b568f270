"""The generated pages are what the code says."""

from __future__ import annotations

import pytest

from tests.tidy.reference_pages import PAGES, REFERENCE


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_up_to_date(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make docs`"
