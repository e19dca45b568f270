"""Stripe's own command line, unchanged, against the simulator.

It is the package ``@stripe/cli-linux-x64`` of npm. ``GROAT_STRIPE_CLI`` names its program, else it
is looked up as ``stripe`` in ``PATH``. Without it, these tests are skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.simulator.stripe.shop import pay, told_of

PROGRAM = os.environ.get("GROAT_STRIPE_CLI") or shutil.which("stripe")

pytestmark = pytest.mark.skipif(
    PROGRAM is None,
    reason="the Stripe CLI is missing: npm install @stripe/cli-linux-x64, set GROAT_STRIPE_CLI",
)


async def run(host: str, home: Path, *arguments: str) -> str:
    """Run the command line against the simulator; return its output."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *arguments,
        "--api-key",
        "sk_test_0123456789abcdef",
        "--api-base",
        host,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "PATH": os.environ["PATH"],
            "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
        },
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def ask(host: str, home: Path, *arguments: str) -> Any:
    """Run a command; return the object in its output."""
    return json.loads(await run(host, home, *arguments))


@pytest.mark.parametrize(
    "event_type",
    [
        *("balance.available", "charge.captured", "charge.failed", "charge.succeeded"),
        *("charge.dispute.closed", "charge.dispute.created", "charge.dispute.updated"),
        *("charge.refund.updated", "charge.refunded"),
        *("customer.created", "customer.deleted", "customer.updated"),
        *("payment_intent.amount_capturable_updated", "payment_intent.canceled"),
        *("payment_intent.created", "payment_intent.payment_failed", "payment_intent.processing"),
        *("payment_intent.requires_action", "payment_intent.succeeded"),
        *("payment_method.attached", "payment_method.detached"),
        *("payout.created", "payout.updated", "topup.created"),
        *("transfer.created", "transfer.reversed", "transfer.updated"),
    ],
)
async def test_event_is_triggered(
    stripe_host: str, client: stripe.StripeClient, tmp_path: Path, event_type: str
) -> None:
    await pay(client, currency="usd", payment_method="pm_card_bypassPending")  # for transfers
    output = await run(stripe_host, tmp_path, "trigger", event_type)
    assert "Trigger succeeded" in output
    if event_type != "balance.available":  # Stripe sends it a day later
        assert event_type in await told_of(client)


async def test_resources_are_shown_and_changed(stripe_host: str, tmp_path: Path) -> None:
    await run(stripe_host, tmp_path, "trigger", "payout.created")
    listed = await ask(stripe_host, tmp_path, "balance_transactions", "list", "--limit", "2")
    assert [row["type"] for row in listed["data"]] == ["payout", "charge"]
    balance = await ask(stripe_host, tmp_path, "balance", "retrieve")
    assert balance["available"][0]["amount"] == sum(row["net"] for row in listed["data"])
    made = await ask(
        stripe_host, tmp_path, "payment_intents", "create", "--amount", "900", "--currency", "eur"
    )
    changed = await ask(
        stripe_host, tmp_path, "payment_intents", "update", made["id"], "--amount", "950"
    )
    assert (changed["id"], changed["amount"]) == (made["id"], 950)
    customer = await ask(stripe_host, tmp_path, "customers", "create", "--name", "Jenny Rosen")
    assert customer["name"] == "Jenny Rosen"
    method = await ask(
        stripe_host,
        tmp_path,
        "payment_methods",
        "attach",
        "pm_card_visa",
        "--customer",
        customer["id"],
    )
    listed = await ask(
        stripe_host, tmp_path, "payment_methods", "list", "--customer", customer["id"]
    )
    assert [one["id"] for one in listed["data"]] == [method["id"]]
