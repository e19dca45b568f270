from __future__ import annotations

import ast
import statistics

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


def test_files_are_short() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert not {name: lines for name, lines in lengths.items() if lines > FILE_LINES}
