"""The page about the simulators names everything that they can be told to do."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from groat.simulator.paypal.settings import PayPalSettings
from groat.simulator.stripe.settings import StripeSettings

PAGE = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text()
STRIPE, PAYPAL = PAGE.split("## PayPal", 1)


@pytest.mark.parametrize("kind", ["triggers", "actions"])
async def test_all_triggers_and_actions_are_named(
    stripe_http: httpx.AsyncClient, paypal_http: httpx.AsyncClient, kind: str
) -> None:
    for http, page in ((stripe_http, STRIPE), (paypal_http, PAYPAL)):
        reply = await http.post(f"/_simulator/{kind}/no_such", json={"id": ""})
        names = reply.json()["detail"].partition(": ")[2].removesuffix(".").split(", ")
        assert len(names) > 5
        assert [name for name in names if f"`{name}`" not in page] == []


def test_all_settings_are_named() -> None:
    for settings, page in ((StripeSettings, STRIPE), (PayPalSettings, PAYPAL)):
        assert [name for name in settings.model_fields if f"`{name}`" not in page] == []
