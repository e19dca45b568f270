"""Changes of metadata."""

from __future__ import annotations

from collections.abc import Mapping


def changed_metadata(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return ``old`` with the values in ``new``. An empty value removes the key."""
    return {name: value for name, value in {**old, **new}.items() if value}
