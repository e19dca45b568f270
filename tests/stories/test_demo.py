"""As a newcomer I see payments go through two providers and the books hold, in one command."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psycopg

from tests.support.processes import (
    COMMAND_SECONDS,
    GROAT,
    database_url,
    document,
    environment,
    fresh_groat,
    processes_of,
    until,
)

FIGURES = {
    "payments",
    "succeeded",
    "declined",
    "refunds",
    "webhooks_delivered",
    "webhooks_applied",
    "duplicates_ignored",
    "ledger_imbalance",
    "provider_charges",
    "provider_refunds",
    "books_match_provider",
    "disputes",
    "provider_balances_equal",
    "oracle_ok",
    "seconds",
}


def assert_balances(done: subprocess.CompletedProcess[str], payments: int) -> None:
    """Hold what a demonstration printed: both providers' books agree with ours."""
    assert done.returncode == 0, done.stderr
    figures = document(done)
    assert figures.keys() == FIGURES
    assert figures["payments"] == payments
    assert figures["succeeded"] + figures["declined"] == payments
    assert figures["declined"] > 0
    assert figures["provider_charges"] == figures["succeeded"]
    assert figures["provider_refunds"] == figures["refunds"] > 0
    assert figures["webhooks_delivered"] > figures["webhooks_applied"] > 0
    assert figures["duplicates_ignored"] > 0
    assert figures["ledger_imbalance"] == 0
    assert figures["books_match_provider"] is True
    assert figures["disputes"] == 2
    assert figures["provider_balances_equal"] is True
    assert figures["oracle_ok"] is True


def _payments(home: Path) -> int:
    try:
        with psycopg.connect(database_url(home)) as connection:
            row = connection.execute("select count(*) from payment").fetchone()
    except (FileNotFoundError, psycopg.Error):  # not that far yet
        return 0
    return 0 if row is None else int(row[0])


def test_the_demonstration_balances_with_valkey_killed_on_the_way(home: Path) -> None:
    demo = subprocess.Popen(
        [*GROAT, "demo", "--payments", "60", "--json"],
        env=environment(home),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with demo:
        until(lambda: _payments(home / "demo") > 0 or demo.poll() is not None, "the first payment")
        os.kill(int((home / "demo" / "valkey.pid").read_text()), signal.SIGKILL)
        output, _ = demo.communicate(timeout=COMMAND_SECONDS)
    assert_balances(subprocess.CompletedProcess(demo.args, demo.returncode, output), 60)
    assert processes_of(home) == []


def test_a_killed_demonstration_leaves_nothing_running_and_the_next_one_balances(
    home: Path,
) -> None:
    demo = subprocess.Popen(
        [*GROAT, "demo", "--payments", "10000"],
        env=environment(home),
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with demo:
        until(lambda: _payments(home / "demo") > 0 or demo.poll() is not None, "the first payment")
        demo.kill()
    until(lambda: processes_of(home) == [], "the end of everything it started")
    assert_balances(fresh_groat(home, "demo", "--payments", "40", "--json"), 40)
    assert processes_of(home) == []
    assert list(home.iterdir()) == []
