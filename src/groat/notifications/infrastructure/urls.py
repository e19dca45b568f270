"""Read the URLs that merchants name, in the one notation that leaves nothing to interpretation."""

from __future__ import annotations

from urllib.parse import urlsplit

from groat.kernel.value import Value
from groat.notifications.domain.addresses import url_refused

_MOST_CHARACTERS = 2048
_HTTPS_PORT, _HTTP_PORT = 443, 80


class UrlParts(Value):
    """The parts of a URL that a connection needs. ``path`` includes the query."""

    scheme: str
    host: str
    port: int
    path: str


def parse_url(url: str, *, allow_private: bool) -> UrlParts:
    """Return the parts of ``url``: https, unless private targets are allowed, and no user name.

    Raises:
        InvalidRequest: ``invalid_webhook_url``.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise url_refused("it cannot be read") from None
    schemes = {"https", "http"} if allow_private else {"https"}
    if len(url) > _MOST_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise url_refused("it must be at most 2048 printable ASCII characters")
    if parts.scheme not in schemes:
        raise url_refused("it must begin with https://")
    if "@" in parts.netloc:
        raise url_refused("it must not contain a user name or a password")
    if not host or "%" in host or "\\" in url or port == 0:
        raise url_refused("it has no valid host")
    if parts.fragment:
        raise url_refused("it must not contain a fragment")
    default = _HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return UrlParts(parts.scheme, host, port or default, path)
