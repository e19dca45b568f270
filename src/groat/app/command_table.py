"""The commands of ``groat``: the module and the purpose of each.

A module is imported when its command runs. So ``groat --help`` imports none of them, and a command
only what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class CommandSource(NamedTuple):
    """Where a command is: ``attribute`` of ``module``, in this package.

    ``purpose`` is the first sentence of its help.
    """

    module: str
    attribute: str
    purpose: str


COMMANDS: Mapping[str, CommandSource] = {
    "up": CommandSource(
        "stack_commands",
        "up",
        "Run everything on this machine until Ctrl-C: servers, API, worker and simulators.",
    ),
    "demo": CommandSource(
        "stack_commands",
        "demo",
        "Take payments through two simulated providers, then check the books.",
    ),
    "verify": CommandSource(
        "verify_command",
        "verify",
        "Check the database: sums, balances, payments, effects, references, records, the log.",
    ),
    "doctor": CommandSource(
        "doctor_command",
        "diagnose",
        "Examine settings, PostgreSQL, Redis, clocks, keys, workers and provider accounts.",
    ),
    "processes": CommandSource(
        "process_commands",
        "list_processes",
        "Show the API and worker processes of the last day, and which of them are alive.",
    ),
    "migrate": CommandSource(
        "schema_commands",
        "migrate",
        "Migrate the database in GROAT_DATABASE_URL to the schema of this version.",
    ),
    "config": CommandSource(
        "schema_commands",
        "config",
        "Show the settings in force. Secrets are masked.",
    ),
    "api": CommandSource(
        "serve_commands",
        "api",
        "Serve the HTTP API and receive the providers' webhooks.",
    ),
    "worker": CommandSource(
        "serve_commands",
        "worker",
        "Apply webhooks, expire holds, look up unknown outcomes, and seal audit records.",
    ),
    "simulator": CommandSource(
        "serve_commands",
        "simulator",
        "Serve the providers' simulators for development. Their data is lost when they stop.",
    ),
    "listen": CommandSource(
        "listen",
        "listen",
        "Forward the merchant's events to a URL from now on, until Ctrl-C.",
    ),
    "merchants": CommandSource(
        "merchant_commands",
        "app",
        "Create, list and show merchants.",
    ),
    "provider-accounts": CommandSource(
        "provider_account_commands",
        "app",
        "Create, show and delete a merchant's provider accounts.",
    ),
    "keys": CommandSource(
        "key_commands",
        "app",
        "Create, list, roll and revoke API keys; replace the master key.",
    ),
    "accounts": CommandSource(
        "account_commands",
        "app",
        "Show accounts, their entries and the trial balance.",
    ),
    "find": CommandSource(
        "find_command",
        "find_anything",
        "Find the payments that an id or another text belongs to, and how to show their story.",
    ),
    "payments": CommandSource(
        "payment_commands",
        "app",
        "List and show payments, and settle an operation with an unknown outcome by hand.",
    ),
    "refunds": CommandSource("refund_commands", "app", "List and show refunds."),
    "disputes": CommandSource("dispute_commands", "app", "List and show customers' disputes."),
    "routing": CommandSource(
        "routing_commands",
        "app",
        "Explain the route of a payment, and simulate other routing rules on past payments.",
    ),
    "inbox": CommandSource(
        "inbox_commands",
        "app",
        "Show provider events, replay them, and backfill events that were never delivered.",
    ),
    "events": CommandSource(
        "event_commands",
        "app",
        "Follow the feed of a merchant's events.",
    ),
    "audit": CommandSource(
        "audit_commands",
        "app",
        "Seal the audit records: keys, checkpoints, and proofs that anyone can check.",
    ),
    "settlement": CommandSource(
        "settlement_commands",
        "app",
        "Read the provider's books: import its settlement files.",
    ),
    "suspense": CommandSource(
        "suspense_commands",
        "app",
        "Show movements that nobody could attribute, and decide on them.",
    ),
    "payouts": CommandSource(
        "payout_commands",
        "app",
        "Show the payouts of a provider account, and the movements in them.",
    ),
    "export": CommandSource(
        "export_commands",
        "app",
        "Export the ledger for other programs.",
    ),
    "reconcile": CommandSource(
        "reconcile_command",
        "reconcile",
        "Compare our account of the money at each provider with the provider's own balance.",
    ),
}
"""The commands by their names, in the order of ``groat --help``."""
