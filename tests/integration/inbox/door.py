"""The engine's address for webhooks, seen from outside: over HTTP, with what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from structlog.testing import capture_logs

from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.ids import MerchantId
from tests.integration.inbox.connections import connections
from tests.integration.inbox.paypal import CertificateHost
from tests.support.world import OPERATOR

_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The webhook is malformed, or its signature is not valid.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The provider's certificate is unavailable; try again shortly.",
}
_SHORT = 8
"""Values of headers up to this length may be found by chance in another."""


@dataclass(frozen=True, slots=True)
class Door:
    """Behind it are one account at Stripe and two at PayPal.

    ``paypal`` has its certificates from ``certificates``, and ``live`` from PayPal itself;
    ``elsewhere`` has the same ones and is nobody's. ``own`` is what the engine and the tests call
    anyway.
    """

    engine: Engine
    http: httpx.AsyncClient
    merchant_id: MerchantId
    own: frozenset[str]
    certificates: CertificateHost
    elsewhere: CertificateHost
    stripe: str
    paypal: str
    live: str

    async def put_account(self, provider: str, name: str, **credentials: str) -> str:
        """Make an account, or give it new credentials; return its id."""
        account_id = await self.engine.merchants.put_provider_account(
            OPERATOR.acting_for(self.merchant_id), provider, name, credentials
        )
        return ids.render("provider_account", account_id)

    async def deliver(
        self, account: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """Send what a provider might have sent; a header's text goes as its bytes in Latin-1."""
        path = f"/webhooks/{ids.render_merchant(self.merchant_id)}/{account}"
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return await self.http.post(path, content=body, headers=raw)

    async def stored(self) -> int:
        """Return how many deliveries were stored so far."""
        return (await self.engine.drain.counts(self.merchant_id)).deliveries

    async def believed(self, account: str, headers: Mapping[str, str], body: bytes) -> None:
        """Deliver, and see it acknowledged and stored."""
        before = await self.stored()
        answer = await self.deliver(account, headers, body)
        assert (answer.status_code, answer.content) == (200, b"")
        assert await self.stored() == before + 1

    async def refused(
        self,
        account: str,
        headers: Mapping[str, str],
        body: bytes,
        code: str,
        *,
        certificates: int = 0,
    ) -> None:
        """Deliver, and see it refused with nothing kept, repeated or called.

        Only of a certificate that could not be had is it said that it may come again.

        ``certificates`` is how many have to be fetched for that, where they belong.
        """
        before, asked = await self.stored(), len(self.certificates.asked)
        self.elsewhere.asked.clear()
        with connections() as reached, capture_logs() as log:
            answer = await self.deliver(account, headers, body)
        assert (answer.status_code, answer.json().get("code")) == (_status(code), code)
        assert await self.stored() == before
        _assert_nothing_repeated(answer, headers, code)
        assert log == [{"event": "webhook_rejected", "log_level": "warning", "reason": code}]
        assert len(self.certificates.asked) == asked + certificates
        assert self.elsewhere.asked == []
        assert reached - self.own <= ({self.certificates.place} if certificates else set())


def _status(code: str) -> HTTPStatus:
    unsure = code == "certificate_unavailable"
    return HTTPStatus.SERVICE_UNAVAILABLE if unsure else HTTPStatus.BAD_REQUEST


def _assert_nothing_repeated(answer: httpx.Response, headers: Mapping[str, str], code: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    status = _status(code)
    problem = answer.json()
    assert problem.pop("request_id", None) == answer.headers.get("x-request-id")
    assert problem == {
        "type": f"/docs/errors#{code}",
        "title": status.phrase,
        "status": status,
        "code": code,
        "detail": _DETAILS[status],
        "param": None,
        "retryable": status == HTTPStatus.SERVICE_UNAVAILABLE,
    }
    given = [value for value in headers.values() if len(value) > _SHORT]
    assert not [value for value in given if value in str(answer.headers)]


SECRET = "whsec_of_the_door"
