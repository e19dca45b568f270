"""The record of the simulated Stripe."""

from __future__ import annotations

import httpx
from starlette.types import ASGIApp

from groat.kernel.clock import Clock
from groat.simulator.site import SimulatedProvider

_API_KEY = "sk_test_groat"


def _create_app(clock: Clock) -> ASGIApp:
    from groat.simulator.stripe.app import create_stripe_app  # noqa: PLC0415 - other processes read the record only

    return create_stripe_app(clock)


async def _register(http: httpx.AsyncClient, address: str) -> dict[str, str]:
    form = {"url": address, "enabled_events[]": "*"}
    endpoint = await http.post("/v1/webhook_endpoints", data=form, auth=(_API_KEY, ""))
    return {"webhook_secret": endpoint.raise_for_status().json()["secret"]}


STRIPE = SimulatedProvider(
    name="stripe",
    title="Stripe",
    port=8421,
    create_app=_create_app,
    credentials={"api_key": _API_KEY},
    accepted=("pm_card_visa", "pm_card_mastercard"),
    declined=("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"),
    register=_register,
)
