"""Draws ``docs/rooms.svg``: the rooms, and which room imports which, read from the code."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from html import escape

from tests.tidy.source import ROOT, imports, modules, tree

PICTURE = ROOT / "docs" / "rooms.svg"

LONGEST_PURPOSE = 60
"""Maximum characters of a purpose, so that it fits into its box."""

_LEGEND = "A dot: the row's room imports the column's room. Its size: how many files do."
_ROW, _TOP, _LEFT, _COLUMN = 38, 92, 470, 42
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2933; }
.name { font-weight: 600; } .small { font-size: 12px; fill: #52606d; }
.box { fill: #eef2f6; } .line { stroke: #cbd2d9; } .dot { fill: #1a7f5a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; } .small { fill: #9aa5b1; } .box { fill: #273340; }
  .line { stroke: #3e4c59; } .dot { fill: #3ebd93; }
}
"""


def rooms() -> list[str]:
    """Return the rooms from the top one down, in the order that the layer contract gives."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(one["layers"] for one in contracts if one["name"].startswith("Rooms"))
    return layers


def purpose(room: str) -> str:
    """Return the purpose of a room: the first line of its docstring."""
    text = ast.get_docstring(tree(modules()[f"groat.{room}"])) or ""
    return text.partition("\n")[0].rstrip(".")


def imports_between_rooms() -> Counter[tuple[str, str]]:
    """Return the number of modules of each room that import something of another room."""
    found: Counter[tuple[str, str]] = Counter()
    for name, path in modules().items():
        room = name.split(".")[1] if "." in name else ""
        used = {one.split(".")[1] for one in imports(path) if one.startswith("groat.")}
        found.update((room, other) for other in used - {room})
    return found


def picture() -> str:
    """Return the SVG: a row for each room, and a dot in the column of each room it imports."""
    order, counts = rooms(), imports_between_rooms()
    width, height = _LEFT + _COLUMN * len(order) + 30, _TOP + _ROW * len(order) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The rooms of Groat, and which imports which</title>",
        f"<style>{_STYLE}</style>",
        '<text x="12" y="28" class="name">Each room imports only rooms below it</text>',
        f'<text x="12" y="48" class="small">{_LEGEND}</text>',
    ]
    for place, room in enumerate(order):
        x = _LEFT + _COLUMN * place + _COLUMN // 2
        lines.append(
            f'<text class="small" transform="translate({x},{_TOP - 8}) rotate(-40)">{room}</text>'
        )
    for place, room in enumerate(order):
        lines += _row(place, room, order, counts, width)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(
    place: int, room: str, order: list[str], counts: Counter[tuple[str, str]], width: int
) -> list[str]:
    y = _TOP + _ROW * place
    middle = y + _ROW // 2
    lines = [
        f'<rect x="8" y="{y + 3}" width="{_LEFT - 16}" height="{_ROW - 6}" rx="6" class="box"/>',
        f'<text x="18" y="{middle + 5}" class="name">{room}</text>',
        f'<text x="112" y="{middle + 5}" class="small">{escape(purpose(room))}</text>',
        f'<line x1="{_LEFT}" y1="{middle}" x2="{width - 30}" y2="{middle}" class="line"/>',
    ]
    for column, other in enumerate(order):
        count = counts[room, other]
        if count:
            x, radius = _LEFT + _COLUMN * column + _COLUMN // 2, 3 + min(count, 60) ** 0.5 * 1.4
            lines.append(f'<circle cx="{x}" cy="{middle}" r="{radius:.1f}" class="dot"/>')
    return lines


def main() -> None:
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
