from __future__ import annotations

import ast
import statistics

import pytest

from tests.tidy.source import modules, tree

MEDIAN_LINES = 10
LONGEST_LINES = 50
FILE_LINES = 500


def _functions() -> dict[str, int]:
    """Return the length of every function, from its ``def`` to its last line."""
    return {
        f"{module}:{node.name}:{node.lineno}": node.end_lineno - node.lineno + 1
        for module, path in modules().items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }


def test_functions_are_short() -> None:
    lengths = _functions()
    assert statistics.median(lengths.values()) <= MEDIAN_LINES
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_LINES}


@pytest.mark.parametrize("name", modules())
def test_files_are_short(name: str) -> None:
    assert len(modules()[name].read_text().splitlines()) <= FILE_LINES
