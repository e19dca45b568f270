"""Files with secrets in them."""

from __future__ import annotations

from pathlib import Path


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
