"""Lists of the API, read to their end."""

from __future__ import annotations

from typing import Any

import httpx


async def pages(api: httpx.AsyncClient, path: str, **query: str | int) -> list[dict[str, Any]]:
    """Return every item of a list, read in pages of two."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        parameters = {"limit": 2, **query, **({"cursor": cursor} if cursor else {})}
        page = (await api.get(path, params=parameters)).raise_for_status().json()
        assert len(page["data"]) <= int(parameters["limit"])
        found += page["data"]
        cursor = page["next_cursor"]
    return found
