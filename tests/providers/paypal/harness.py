"""The harness of PayPal's adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from groat.kernel.clock import SystemClock
from groat.providers.conformance.harness import Credentials, PaymentMethods
from groat.providers.domain.failures import FailureCode
from tests.providers.stand_in import StandIn, served
from tests.support.paypal_stand_in import paypal_app

CLIENT = {"client_id": "the_client", "client_secret": "the_secret"}
NOBODY = "http://127.0.0.1:1"

METHODS = PaymentMethods(
    succeeds="card:vault_visa",
    declined={
        "card:vault_declined": FailureCode.DO_NOT_HONOR,
        "card:vault_instrument_declined": FailureCode.DO_NOT_HONOR,
        "card:vault_insufficient_funds": FailureCode.INSUFFICIENT_FUNDS,
    },
    requires_action="card:vault_payer_action",
)


@asynccontextmanager
async def open_harness() -> AsyncIterator[StandIn]:
    async with served(paypal_app(SystemClock())) as (http, receiver):
        root = (await http.get("/_simulator/root.pem")).raise_for_status().text
        good = {
            **CLIENT,
            "api_base": str(http.base_url),
            "certificate_root": root,
            "webhook_id": await _webhook_id(http, receiver.url),
        }
        yield StandIn(
            http=http,
            receiver=receiver,
            credentials=Credentials(
                good=good,
                unreachable={**good, "api_base": NOBODY},
                refused={**good, "client_secret": ""},
                strange={**good, "webhook_id": "1JE4291016473214C"},
            ),
            payment_methods=METHODS,
            completion="approve",
            own_reference=_own_reference,
        )


async def _webhook_id(http: httpx.AsyncClient, url: str) -> str:
    """Tell PayPal where webhooks go; return what it calls that."""
    token = await http.post(
        "/v1/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(CLIENT["client_id"], CLIENT["client_secret"]),
    )
    webhook = await http.post(
        "/v1/notifications/webhooks",
        json={"url": url, "event_types": [{"name": "*"}]},
        headers={"authorization": f"Bearer {token.raise_for_status().json()['access_token']}"},
    )
    webhook_id: str = webhook.raise_for_status().json()["id"]
    return webhook_id


def _own_reference(custom_id: str) -> str:
    """Return our reference in what PayPal keeps: a refund has its payment's before its own."""
    return custom_id.rpartition(".")[2]
