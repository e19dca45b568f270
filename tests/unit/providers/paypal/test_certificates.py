from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from groat.providers.paypal.certificates import CertificateSource
from groat.providers.port import Rejection
from tests.support.paypal_certificates import (
    NOW,
    identity,
    leaf,
    other_identity,
    self_signed_pem,
)

HOSTS = [
    "api.paypal.com",
    "api-m.paypal.com",
    "api.sandbox.paypal.com",
    "api-m.sandbox.paypal.com",
]
PATH = "/v1/notifications/certs/"
GOOD = f"https://api.paypal.com{PATH}CERT-360caa42-fca2a594-aecacc47"
SIMULATOR = "http://127.0.0.1:8422"

_PARTS = st.sampled_from(
    [
        *("https://", "http://", "//", *HOSTS, PATH, "CERT-1", "evil.example", "@", ":", "443"),
        *("/", "\\", "?", "#", "..", ".", "%2e", "%00", "\t", "\n", " ", "\xe9", "\u3002"),
        *(";", "[", "]", "::1", "=", "&", "|", "<", '"', "*", "'"),
    ]
)
_PIECED = st.lists(_PARTS, max_size=8).map("".join)


async def _serve(request: Request) -> Response:
    """Answer for a provider's host: the last part of the address says what is there."""
    served = {
        "good": identity().chain_pem,
        "other": other_identity().chain_pem,
        "self-signed": self_signed_pem(),
        "root": identity().root_pem,
        "empty": b"",
        "html": b"<html>",
        "huge": identity().chain_pem + b"\n" * 65_536,
    }
    name = request.path_params["name"]
    if name == "moved":
        return RedirectResponse(f"{PATH}good")
    return Response(served.get(name, b""), 200 if name in served else 404)


def _source(
    http: httpx.AsyncClient | None = None, simulator: str | None = None
) -> CertificateSource:
    return CertificateSource(http or httpx.AsyncClient(), simulator, identity().root_pem.decode())


@cache
def _paypals() -> CertificateSource:
    return _source()


@pytest.fixture
async def simulated() -> AsyncIterator[CertificateSource]:
    app = Starlette(routes=[Route(PATH + "{name}", _serve)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        yield _source(http, SIMULATOR)


@pytest.mark.parametrize("host", HOSTS)
def test_paypals_own_addresses_are_allowed(host: str) -> None:
    assert _paypals().is_allowed(f"https://{host}{PATH}CERT-1")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "CERT-1",
        "//api.paypal.com" + PATH + "x",
        "https:" + PATH + "x",
        GOOD.replace("https", "http"),
        GOOD.replace("https", "ftp"),
        GOOD.replace("https", "HTTPS"),
        GOOD.replace("api.paypal.com", "evil.example"),
        GOOD.replace("api.paypal.com", "api.paypal.com.evil.example"),
        GOOD.replace("api.paypal.com", "evilapi.paypal.com"),
        GOOD.replace("api.paypal.com", "www.paypal.com"),
        GOOD.replace("api.paypal.com", "paypal.com"),
        GOOD.replace("api.paypal.com", "API.PAYPAL.COM"),
        GOOD.replace("api.paypal.com", "api.paypal.com."),
        GOOD.replace("api.paypal.com", "api.paypal.com:443"),
        GOOD.replace("api.paypal.com", "api.paypal.com:8443"),
        GOOD.replace("api.paypal.com", "api.paypal.com:"),
        GOOD.replace("api.paypal.com", "api.paypal.com:x"),
        GOOD.replace("api.paypal.com", "user@api.paypal.com"),
        GOOD.replace("api.paypal.com", "user:password@api.paypal.com"),
        GOOD.replace("api.paypal.com", "@api.paypal.com"),
        GOOD.replace("api.paypal.com", "api.paypal.com@evil.example"),
        GOOD.replace("api.paypal.com", "evil.example\\@api.paypal.com"),
        GOOD.replace("api.paypal.com", "api.paypal.com\\.evil.example"),
        GOOD.replace("api.paypal.com", "evil.example#@api.paypal.com"),
        GOOD.replace("api.paypal.com", "api.p\u0430ypal.com"),
        GOOD.replace("api.paypal.com", "api\u3002paypal\u3002com"),
        GOOD.replace("api.paypal.com", "[::1]"),
        GOOD.replace("api.paypal.com", "[api.paypal.com"),
        GOOD.replace("api.paypal.com", "127.0.0.1"),
        GOOD.replace("api.paypal.com", ""),
        GOOD.replace("paypal", "pay\tpal"),
        GOOD + "?a=b",
        GOOD + "?",
        GOOD + "#a",
        GOOD + "#",
        GOOD + "\n",
        GOOD + "\r\nx: y",
        " " + GOOD,
        "\x00" + GOOD,
        GOOD + "/../../../v1/oauth2/token",
        GOOD + "/./x",
        GOOD + "/%2e%2e/x",
        GOOD + "%00",
        GOOD + "\\..\\x",
        "https://api.paypal.com/",
        "https://api.paypal.com/v1/notifications/certs",
        "https://api.paypal.com/v1/notifications/certsx/y",
        "https://api.paypal.com//v1/notifications/certs/x",
        "https://api.paypal.com/V1/notifications/certs/x",
        "https://api.paypal.com/x/v1/notifications/certs/y",
        SIMULATOR + PATH + "CERT-1",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    assert not _paypals().is_allowed(url)


@given(_PIECED | _PIECED.map(GOOD.__add__) | st.text().map(GOOD.__add__) | st.text())
def test_an_allowed_address_is_the_one_that_the_client_calls(url: str) -> None:
    """Two readers of addresses must not disagree on where one leads."""
    if _paypals().is_allowed(url):
        goes_to = httpx.URL(url)
        assert goes_to.host in HOSTS
        assert (goes_to.scheme, goes_to.port, goes_to.userinfo) == ("https", None, b"")
        assert goes_to.raw_path.startswith(PATH.encode())
        assert not {b".", b".."} & set(goes_to.raw_path.split(b"/"))


def test_the_simulator_replaces_the_hosts_of_paypal() -> None:
    source = _source(simulator=SIMULATOR)
    assert source.is_allowed(SIMULATOR + PATH + "CERT-1")
    assert not source.is_allowed(GOOD)


@pytest.mark.parametrize(
    "base",
    [
        "https://127.0.0.1:8422",
        "http://127.0.0.1:8423",
        "http://127.0.0.1",
        "http://localhost:8422",
        "http://user@127.0.0.1:8422",
        "http://127.0.0.1:8422@evil.example",
    ],
)
def test_the_address_of_the_simulator_must_match_exactly(base: str) -> None:
    assert not _source(simulator=SIMULATOR).is_allowed(f"{base}{PATH}CERT-1")


async def test_a_certificate_under_the_trusted_root_is_returned(
    simulated: CertificateSource,
) -> None:
    found = await simulated.certificate(f"{SIMULATOR}{PATH}good", NOW)
    assert found == leaf(identity())


@pytest.mark.parametrize(
    ("name", "rejection"),
    [
        ("missing", Rejection.CERTIFICATE_UNAVAILABLE),
        ("moved", Rejection.CERTIFICATE_UNAVAILABLE),
        ("empty", Rejection.CERTIFICATE_UNAVAILABLE),
        ("html", Rejection.CERTIFICATE_UNAVAILABLE),
        ("huge", Rejection.CERTIFICATE_UNAVAILABLE),
        ("other", Rejection.CERTIFICATE_INVALID),
        ("self-signed", Rejection.CERTIFICATE_INVALID),
        ("root", Rejection.CERTIFICATE_INVALID),
    ],
)
async def test_an_untrusted_certificate_is_refused_with_its_reason(
    simulated: CertificateSource, name: str, rejection: Rejection
) -> None:
    assert await simulated.certificate(f"{SIMULATOR}{PATH}{name}", NOW) is rejection


@pytest.mark.parametrize("away", [timedelta(days=-2), timedelta(days=366)])
async def test_a_certificate_is_cached_until_it_expires(
    simulated: CertificateSource, away: timedelta
) -> None:
    url = f"{SIMULATOR}{PATH}good"
    assert await simulated.certificate(url, NOW + away) is Rejection.CERTIFICATE_INVALID
    assert await simulated.certificate(url, NOW) == leaf(identity())


async def test_concurrent_callers_fetch_a_certificate_a_few_times_at_most() -> None:
    """Else what comes in together after a start would wait for each other until it is too late."""
    fetches = 0

    async def serve(_request: httpx.Request) -> httpx.Response:
        nonlocal fetches
        fetches += 1
        await asyncio.sleep(0)
        return httpx.Response(200, content=identity().chain_pem)

    async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as http:
        source = _source(http, SIMULATOR)
        url = f"{SIMULATOR}{PATH}good"
        found = await asyncio.gather(*(source.certificate(url, NOW) for _ in range(50)))
    assert set(found) == {leaf(identity())}
    assert fetches <= 4


async def test_no_call_goes_to_a_refused_address() -> None:
    asked: list[httpx.Request] = []

    async def remember(request: httpx.Request) -> None:
        asked.append(request)

    async with httpx.AsyncClient(event_hooks={"request": [remember]}) as http:
        found = await _source(http).certificate("https://evil.example" + PATH, NOW)
    assert found is Rejection.CERTIFICATE_NOT_ALLOWED
    assert not asked


async def test_an_unreadable_authority_does_not_invalidate_the_others() -> None:
    unreadable = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    roots = unreadable + identity().root_pem.decode()
    app = Starlette(routes=[Route(PATH + "{name}", _serve)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        source = CertificateSource(http, SIMULATOR, roots)
        assert await source.certificate(f"{SIMULATOR}{PATH}good", NOW) == leaf(identity())


def test_the_public_authorities_are_read_without_a_warning() -> None:
    assert CertificateSource(httpx.AsyncClient(), None, None).is_allowed(GOOD)
