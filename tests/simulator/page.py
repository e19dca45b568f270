"""A page of the simulator as a person sees it: rows, buttons, fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Row:
    """A payment's row: its text, the triggers on its buttons, and where its links lead."""

    text: str = ""
    triggers: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """Reads a page. ``rows`` are by the payment's id; ``fields`` are what the form says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.fields: dict[str, str] = {}
        self.tags: set[str] = set()
        self.text = ""
        self._row = Row()
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.add(tag)
        named = attributes.get("name") or ""
        match tag:
            case "tr":
                self._row = Row()
                self.rows[attributes.get("id") or ""] = self._row
            case "button" if named == "trigger":
                self._row.triggers.append(attributes["value"] or "")
            case "a":
                self._row.links.append(attributes["href"] or "")
            case "select":
                self._select = named
                self.fields[named] = ""
            case "option" if "selected" in attributes:
                self.fields[self._select] = attributes["value"] or ""
            case "input" if attributes["type"] == "checkbox":
                self.fields[named] = "true" if "checked" in attributes else ""
            case "input" if attributes["type"] == "number":
                self.fields[named] = attributes["value"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data
        self._row.text += data
