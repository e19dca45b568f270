"""The record of the simulated PayPal."""

from __future__ import annotations

import httpx

from groat.simulator.paypal.app import create_paypal_app
from groat.simulator.site import SimulatedProvider

_CLIENT = {"client_id": "groat", "client_secret": "groat"}


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
    port_setting="paypal_simulator_port",
    create_app=create_paypal_app,
    credentials=_CLIENT,
    accepted=("card:vault_visa",),
    declined=(
        "card:vault_declined",
        "card:vault_insufficient_funds",
        "card:vault_instrument_declined",
    ),
    register=_register,
)
