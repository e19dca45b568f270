"""The simulator's web pages: escaping templates and one style sheet, without external resources."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from groat.kernel.money import Money

STYLE_PATH = "/_simulator/style.css"

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "style.css").read_bytes()
_HEADERS = {
    # These forms redirect to the shop, at any address. So "form-action" is not restricted.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_SEPARATORS = frozenset({"Zl", "Zp"})


def harmless(value: object) -> object:
    """Return a template's value as text without invisible characters.

    Control characters, and characters that change the direction of text, become escapes. Markup
    from the templates themselves is left unchanged.
    """
    return value if isinstance(value, Markup) else "".join(map(_visible, str(value)))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category.startswith("C") or category in _SEPARATORS:
        return character.encode("unicode_escape").decode()
    return character


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=harmless,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals["style_path"] = STYLE_PATH


def rendered(template: str, status: int = HTTPStatus.OK, **values: object) -> Response:
    """Return the page of a template, filled with ``values``."""
    page = _ENVIRONMENT.get_template(template).render(values)
    return HTMLResponse(page, status, _HEADERS)


def question(title: str, text: str, money: Money, choices: Mapping[str, str]) -> Response:
    """Return a page with a question. ``choices`` are the buttons and the addresses they post to."""
    return rendered("question.html", title=title, text=text, money=money, choices=choices)


def notice(title: str, text: str, status: int = HTTPStatus.OK) -> Response:
    """Return a page with a message for the customer."""
    return rendered("notice.html", status, title=title, text=text)


def style_route() -> Route:
    """Return the route of the style sheet that all pages share."""
    return Route(STYLE_PATH, _style)


async def _style(_: Request) -> Response:
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "no-cache"})
