"""What providers sent in cases that broke other systems: see the tests for the right outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_CASES = Path(__file__).with_name("cases")


def case(name: str, **ids: str) -> Any:
    """Return the messages of a case, with ``ids`` in the places that are named after them."""
    text = (_CASES / f"{name}.json").read_text()
    for place, value in ids.items():
        text = text.replace(f"{{{place.upper()}}}", value)
    return json.loads(text)
