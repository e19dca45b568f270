from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from groat.app import render
from groat.app.demo import summary
from groat.app.onboarding import Onboarded, ProviderSite
from groat.app.stack import Stack
from groat.kernel import ids
from groat.kernel.ids import AccountId, ProviderAccountId
from groat.platform.process.settings import Settings
from tests.unit.app.findings import FAILS, GOOD, HOLDS

STRIPE = ProviderSite("stripe", "http://127.0.0.1:8421", ProviderAccountId(ids.uuid7()))
PAYPAL = ProviderSite("paypal", "http://127.0.0.1:8422", ProviderAccountId(ids.uuid7()))
WALLET = AccountId(ids.uuid7())
STACK = Stack(
    Settings(home=Path("/srv/groat")),
    "http://127.0.0.1:8420",
    {"api": "http://127.0.0.1:9464/metrics", "worker": "http://127.0.0.1:9465/metrics"},
    Onboarded(ids.new_merchant_id(ids.uuid7), "groat_key_secret", (STRIPE, PAYPAL)),
)


def _shown(show: Callable[[Console], None], width: int = 120) -> str:
    console = Console(record=True, width=width, file=io.StringIO())
    show(console)
    return console.export_text()


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]


def test_the_welcome_names_every_address() -> None:
    shown = _shown(lambda console: render.welcome(console, STACK, WALLET))
    for text in (
        STACK.api,
        f"{STACK.api}/docs",
        STRIPE.base,
        PAYPAL.base,
        ids.render("provider_account", PAYPAL.account_id),
        "/srv/groat/logs",
        "Ctrl-C",
    ):
        assert text in shown


def test_the_command_to_paste_is_neither_wrapped_nor_marked_up() -> None:
    shown = _shown(lambda console: render.welcome(console, STACK, WALLET), width=40)
    assert (
        f"curl -s {STACK.api}/v1/payments -H 'authorization: Bearer groat_key_secret' \\" in shown
    )
    assert f'"beneficiary": "{ids.render("account", WALLET)}"' in shown
    account = ids.render("provider_account", STRIPE.account_id)
    assert f'"provider_account": "{account}"' in shown


def test_a_demonstration_shows_every_figure() -> None:
    judged = summary(replace(GOOD, payments=12_345), [HOLDS], 65.432)
    shown = _shown(lambda console: render.demonstration(console, judged, [HOLDS]))
    rows = _rows(shown)
    assert ["payments", "12,345"] in rows
    assert ["webhooks delivered", "90"] in rows
    assert ["books match provider", "yes"] in rows
    assert ["oracle ok", "NO"] in rows
    assert ["seconds", "65.4"] in rows
    assert "Money oracle" in shown


def test_findings_name_the_failed_check_and_its_row() -> None:
    shown = _shown(
        lambda console: render.findings(console, [replace(HOLDS, examined=1_000), FAILS])
    )
    rows = _rows(shown)
    assert ["transactions sum to zero", "holds", "1,000", "0.010", ""] in rows
    assert ["transactions sum to zero", "FAILS", "33", "0.010", FAILS.detail] in rows


def test_settings_are_shown_with_their_purpose() -> None:
    values = {"GROAT_API_PORT": "9000"}
    shown = _shown(lambda console: render.settings(console, values, Settings), width=200)
    rows = _rows(shown)
    assert ["GROAT_API_PORT", "9000", "The port that `groat api` listens on."] in rows
    named = {row[0]: row[1] for row in rows if row and row[0].startswith("GROAT_")}
    assert named.keys() == {f"GROAT_{name.upper()}" for name in Settings.model_fields}
    assert named["GROAT_MASTER_KEY"] == "not set"
