"""Plain English: docstrings name their subject, and say it in the field's words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.source import SOURCE, modules, tree

MOST_WHATS = 2
"""Maximum of the word "what" in 1,000 words of docstrings. Headless clauses begin with it."""

HEADLESS = re.compile(
    r"\b(what is|what was|whatever|whoever|whichever|so many|so long|so often|of ours|it is what"
    r"|let go|made anew|be had|have done|go on with|gone on with)\b",
    re.IGNORECASE,
)
"""Phrases that hide their subject or their verb."""

QUANTITIES = re.compile(r"^(So (many|long|often|much)|How (long|many|often|much)|Who|Whoever)\b")
"""How the docstring of a constant does not begin: it says quantity, unit and purpose."""


def _docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each docstring of a module with its line, those of attributes included."""
    for node in ast.walk(tree(path)):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if not isinstance(body, list):
                continue
            for one in body:
                if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                    text = one.value.value
                    if isinstance(text, str):
                        yield one.lineno, text


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z']+", re.sub(r"``[^`]*``", " ", text))


def test_docstrings_rarely_have_headless_clauses() -> None:
    words = [
        word.lower()
        for path in modules().values()
        for _, text in _docstrings(path)
        for word in _words(text)
    ]
    assert words.count("what") * 1000 <= MOST_WHATS * len(words)


def test_docstrings_name_their_subject() -> None:
    headless = [
        f"{path.relative_to(SOURCE)}:{line}: {text.strip().splitlines()[0]}"
        for path in modules().values()
        for line, text in _docstrings(path)
        if text.strip()
        and (HEADLESS.search(text.strip().splitlines()[0]) or QUANTITIES.search(text.strip()))
    ]
    assert not headless
