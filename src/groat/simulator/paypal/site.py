"""The record of the simulated PayPal."""

from __future__ import annotations

import httpx
from starlette.types import ASGIApp

from groat.kernel.clock import Clock
from groat.simulator.site import SimulatedProvider

_CLIENT = {"client_id": "groat", "client_secret": "groat"}


def _create_app(clock: Clock) -> ASGIApp:
    from groat.simulator.paypal.app import create_paypal_app  # noqa: PLC0415 - other processes read the record only

    return create_paypal_app(clock)


async def _register(http: httpx.AsyncClient, address: str) -> dict[str, str]:
    token = await http.post(
        "/v1/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(_CLIENT["client_id"], _CLIENT["client_secret"]),
    )
    webhook = await http.post(
        "/v1/notifications/webhooks",
        json={"url": address, "event_types": [{"name": "*"}]},
        headers={"authorization": f"Bearer {token.raise_for_status().json()['access_token']}"},
    )
    root = await http.get("/_simulator/root.pem")
    return {
        "webhook_id": webhook.raise_for_status().json()["id"],
        "certificate_root": root.raise_for_status().text,
    }


PAYPAL = SimulatedProvider(
    name="paypal",
    title="PayPal",
    port=8422,
    create_app=_create_app,
    credentials=_CLIENT,
    accepted=("card:vault_visa",),
    declined=(
        "card:vault_declined",
        "card:vault_insufficient_funds",
        "card:vault_instrument_declined",
    ),
    register=_register,
)
