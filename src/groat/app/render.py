"""Render the results of commands as text and tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn
from rich.table import Table

from groat.accounts.domain.chart import Account, as_expected
from groat.accounts.domain.ledger import StatementLine, TrialBalance
from groat.app.demo import DemoSummary
from groat.app.stack import Stack
from groat.app.tables import print_whole
from groat.inbox.domain.event import ProviderEvent
from groat.inbox.service.rehearsal import Rehearsed
from groat.kernel import ids
from groat.kernel.ids import AccountId
from groat.kernel.money import Money
from groat.merchants.domain.api_keys import StoredKey
from groat.merchants.domain.credentials import Merchant, ProviderAccountName
from groat.payments.domain.resolution import OpenOperation
from groat.platform.postgres.checks import Finding
from groat.platform.process.settings import PREFIX, Settings
from groat.routing.domain.simulation import Simulation
from groat.settlement.domain.summary import ImportOutcome
from groat.settlement.service.opening import Opening
from groat.settlement.service.suspense import DecidedMovement
from groat.simulator.sites import SIMULATED

_TRY = """\
curl -s {api}/v1/payments -H 'authorization: Bearer {key}' \\
  -H 'content-type: application/json' -H 'idempotency-key: first-payment' \\
  -d '{{"amount": 1050, "currency": "EUR", "beneficiary": "{wallet}",
       "provider_account": "{account}", "payment_method": "{method}"}}'

curl -s {api}/v1/accounts/{wallet} -H 'authorization: Bearer {key}'
"""


def welcome(console: Console, stack: Stack, wallet: AccountId) -> None:
    """Show the addresses and the API key, and commands that take a first payment to ``wallet``."""
    rows = [("API", f"{stack.api}  (its reference: {stack.api}/docs)")]
    for site in stack.merchant.sites:
        account = ids.render("provider_account", site.account_id)
        rows.append((f"{site.provider} simulator", f"{site.base}  (provider account {account})"))
    rows.append(("API key", stack.merchant.api_key))
    rows += [(f"{name} metrics", address) for name, address in stack.metrics.items()]
    rows.append(("Logs", str(stack.settings.home / "logs")))
    for name, value in rows:  # not a table, which would cut the key to a narrow terminal's width
        console.print(f"{name:<18}{value}", soft_wrap=True, highlight=False, markup=False)
    first = stack.merchant.sites[0]
    paste = _TRY.format(
        api=stack.api,
        key=stack.merchant.api_key,
        account=ids.render("provider_account", first.account_id),
        method=SIMULATED[first.provider].accepted[0],
        wallet=ids.render("account", wallet),
    )
    console.print("\nTake a first payment, and see the balance of the wallet it went to:\n")
    console.print(
        paste,
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    console.print("Ctrl-C stops everything; your data stays.")


def progress(console: Console) -> Progress:
    """Return the display of the progress of a long command."""
    return Progress(
        SpinnerColumn(),
        *Progress.get_default_columns(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def demonstration(console: Console, summary: DemoSummary, found: Sequence[Finding]) -> None:
    """Show the figures of a demonstration, and the findings of the checks."""
    table = Table(title="Payments through simulated providers", show_header=False)
    for field in fields(summary):
        table.add_row(field.name.replace("_", " "), _text(getattr(summary, field.name)))
    print_whole(console, table)
    findings(console, found)


def findings(console: Console, found: Sequence[Finding]) -> None:
    """Show the result of each check of ``groat verify``."""
    table = Table(title="Money oracle")
    for heading in ("check", "", "examined", "seconds", "detail"):
        table.add_column(heading, justify="right" if heading in {"examined", "seconds"} else "left")
    for finding in found:
        verdict = "[green]holds[/]" if finding.ok else "[bold red]FAILS[/]"
        table.add_row(
            finding.name.replace("_", " "),
            verdict,
            f"{finding.examined:,}",
            f"{finding.seconds:.3f}",
            finding.detail,
        )
    print_whole(console, table)


def settings(console: Console, values: Mapping[str, str], model: type[Settings]) -> None:
    """Show every setting with its value and its purpose."""
    table = Table(title="Settings in force")
    for heading in ("variable", "value", "purpose"):
        table.add_column(heading)
    for name, field in model.model_fields.items():
        variable = f"{PREFIX}{name.upper()}"
        table.add_row(variable, values.get(variable, "[dim]not set[/]"), field.description)
    print_whole(console, table)


def figures(console: Console, title: str, found: Mapping[str, object]) -> None:
    """Show figures by their names."""
    table = Table(title=title, show_header=False)
    for name, value in found.items():
        table.add_row(name.replace("_", " "), _text(value))
    print_whole(console, table)


def _text(value: object) -> str:
    match value:
        case bool():
            return "[green]yes[/]" if value else "[bold red]NO[/]"
        case float():
            return f"{value:.1f}"
        case None:
            return "[dim]none[/]"
        case str():
            return escape(value)
        case _:
            return f"{value:,}"


def accounts(console: Console, found: Sequence[Account]) -> None:
    """Show accounts with their balances. Amounts are decimal, positive on the normal side."""
    table = Table(title="Accounts")
    for heading in ("id", "code", "status", "balance", "held", "available", "floor", "entries"):
        table.add_column(
            heading, justify="left" if heading in {"id", "code", "status"} else "right"
        )
    for one in found:
        currency, floor = one.spec.currency, one.spec.floor
        table.add_row(
            ids.render("account", one.id),
            one.spec.code,
            one.status,
            str(Money(one.balance, currency)),
            Money(one.held, currency).decimal(),
            Money(one.available, currency).decimal(),
            "" if floor is None else Money(floor, currency).decimal(),
            str(one.version),
        )
    print_whole(console, table)


def entries(console: Console, account: Account, lines: Sequence[StatementLine]) -> None:
    """Show an account's entries, each with the balance after it."""
    table = Table(title=f"{account.spec.code}, in {account.spec.currency}")
    for heading in ("recorded at", "kind", "subject or reference", "amount", "balance"):
        right = heading in {"amount", "balance"}
        table.add_column(heading, justify="right" if right else "left")
    for line in lines:
        amount, balance = (
            Money(as_expected(account.spec.normal_side, units), account.spec.currency).decimal()
            for units in (line.amount, line.balance_after)
        )
        moment = line.recorded_at.isoformat(sep=" ", timespec="microseconds")
        table.add_row(moment, line.kind.name, line.subject or line.reference, amount, balance)
    print_whole(console, table)


def trial_balance(console: Console, sums: Sequence[TrialBalance]) -> None:
    """Show the sums of debit and credit balances in each currency."""
    table = Table(title="Trial balance")
    for heading in ("currency", "accounts", "debits", "credits"):
        table.add_column(heading, justify="left" if heading == "currency" else "right")
    for one in sums:
        debits, credits_ = (
            Money(total, one.currency).decimal() for total in (one.debits, one.credits)
        )
        table.add_row(one.currency, str(one.accounts), debits, credits_)
    print_whole(console, table)


def provider_accounts(console: Console, found: Sequence[ProviderAccountName]) -> None:
    """Show provider accounts, without their credentials."""
    table = Table(title="Provider accounts")
    for heading in ("id", "provider", "name", "created at"):
        table.add_column(heading, no_wrap=heading == "id")
    for one in found:
        created_at = f"{one.created_at:%Y-%m-%d %H:%M:%S}"
        account = ids.render("provider_account", one.id)
        table.add_row(account, escape(one.provider), escape(one.name), created_at)
    print_whole(console, table)


def open_operations(console: Console, operations: Sequence[OpenOperation]) -> None:
    """Show operations whose outcome is unknown."""
    table = Table(title="Operations with an unknown outcome")
    for heading in (
        "merchant",
        "operation",
        "kind",
        "payment",
        "since",
        "look-ups",
        "next",
        "last reason",
    ):
        table.add_column(heading)
    for one in operations:
        table.add_row(
            ids.render_merchant(one.merchant_id),
            ids.render("operation", one.operation.id),
            one.operation.kind,
            ids.render("payment", one.operation.payment_id),
            f"{one.created_at:%Y-%m-%d %H:%M:%S}",
            str(one.lookups),
            f"{one.due_at:%Y-%m-%d %H:%M:%S}",
            one.reason or "the call to the provider did not finish",
        )
    print_whole(console, table)


def simulation(console: Console, found: Simulation) -> None:
    """Show how many past payments each account got, and how many the rules would try there first.

    Then show up to five payments for which the rules have no route, with the reason.
    """
    went = Counter(route.past.account_id for route in found.routes)
    would = found.shares()
    table = Table(title=f"{len(found.routes)} payments, {found.moved} of them elsewhere")
    for heading in ("provider account", "went there", "would go there first"):
        table.add_column(heading, justify="left" if heading == "provider account" else "right")
    for account_id in [*went, *(account_id for account_id in would if account_id not in went)]:
        name = "none" if account_id is None else ids.render("provider_account", account_id)
        sent = 0 if account_id is None else went[account_id]
        table.add_row(name, str(sent), str(would[account_id]))
    print_whole(console, table)
    for route in [route for route in found.routes if route.first is None][:5]:
        console.print(f"{ids.render('payment', route.payment_id)}: {route.because}")


def provider_events(console: Console, found: Sequence[ProviderEvent]) -> None:
    """Show events of the inbox, each with its status and the reason."""
    table = Table(title="Provider events")
    for heading in ("received at", "event", "type", "status", "reason", "tries", "deliveries"):
        table.add_column(heading, justify="right" if heading in {"tries", "deliveries"} else "left")
    for one in found:
        status = one.status.value
        if one.settled_at is None:
            status += f", due {one.due_at:%H:%M:%S}"
        table.add_row(
            f"{one.received_at:%Y-%m-%d %H:%M:%S}",
            ids.render("provider_event", one.id),
            one.event_type,
            status,
            one.reason or "",
            str(one.attempts),
            str(one.deliveries),
        )
    print_whole(console, table)


def rehearsed(console: Console, found: Sequence[Rehearsed]) -> None:
    """Show the outcome that each event would have, and the changes it would make."""
    table = Table(title="Outcomes of a dry run")
    for heading in ("provider's id", "type", "status", "reason", "changes"):
        table.add_column(heading)
    for one in found:
        changes = [
            f"{change.action} {ids.render(change.kind, change.object_id)}" for change in one.changes
        ]
        table.add_row(
            one.event.provider_reference,
            one.event.event_type,
            one.status.value,
            one.reason or "",
            "\n".join(changes),
        )
    print_whole(console, table)


def settlement_import(console: Console, outcome: ImportOutcome, most_shown: int) -> None:
    """Show the sums of a settlement file, and up to ``most_shown`` of its differences from ours."""
    title = f"{outcome.summary.movements:,} movements, {outcome.added:,} stored"
    table = Table(title=f"{title}, {outcome.posted:,} posted")
    for heading in ("currency", "category", "movements", "gross", "fee", "tax", "net"):
        left = heading in {"currency", "category"}
        table.add_column(heading, justify="left" if left else "right")
    for currency, totals in outcome.summary.totals.items():
        for total in totals:
            amounts = (total.gross, total.fee, total.tax, total.net)
            shown = [Money(amount, currency).decimal() for amount in amounts]
            table.add_row(currency, escape(total.label), f"{total.count:,}", *shown)
    print_whole(console, table)
    if outcome.is_repeated:
        console.print("This file was imported before.")
    if outcome.early:
        console.print(f"{outcome.early:,} from before the start of the account are not posted.")
    counts = Counter(difference.kind.value for difference in outcome.differences)
    for kind, count in sorted(counts.items()):
        console.print(f"{count:,} x {kind.replace('_', ' ')}")
    for difference in outcome.differences[:most_shown]:
        console.print(f"  {difference.kind}: {difference.key}", markup=False, highlight=False)


def opening(console: Console, shown: Opening) -> None:
    """Show the opening movements of a provider account."""
    table = Table(title=f"Opening at {shown.starts_at.isoformat()}")
    for heading in ("currency", "part", "amount", "posted"):
        table.add_column(heading, justify="right" if heading == "amount" else "left")
    for one in shown.movements:
        amount = Money(one.gross, one.currency).decimal()
        table.add_row(
            one.currency, one.pool, amount, "now" if one.key in shown.posted else "before"
        )
    print_whole(console, table)


def suspense(console: Console, found: Sequence[DecidedMovement]) -> None:
    """Show movements in suspense with their reasons."""
    table = Table("movement", "since", "category", "gross", "reference", "reason")
    for one in found:
        movement, attribution = one.placed.movement, one.placed.attribution
        gross = f"{Money(movement.gross, movement.currency).decimal()} {movement.currency}"
        texts = (movement.label, gross, attribution.reference or "", attribution.reason or "")
        table.add_row(escape(movement.key), _minute(one.since), *map(escape, texts))
    print_whole(console, table)


def merchants(console: Console, listed: Sequence[Merchant]) -> None:
    """Show merchants with their ids."""
    table = Table("merchant", "name", "created")
    for one in listed:
        table.add_row(ids.render_merchant(one.id), escape(one.name), _minute(one.created_at))
    print_whole(console, table)


def merchant(
    console: Console,
    shown: Merchant,
    keys: Sequence[StoredKey],
    accounts: Sequence[ProviderAccountName],
) -> None:
    """Show a merchant with its API keys and its provider accounts."""
    merchants(console, [shown])
    api_keys(console, keys)
    provider_accounts(console, accounts)


def api_keys(console: Console, listed: Sequence[StoredKey]) -> None:
    """Show API keys without their secrets."""
    table = Table("API key", "name", "scopes", "created", "last used", "expires", "revoked")
    for one in listed:
        times = (one.created_at, one.last_used_at, one.expires_at, one.revoked_at)
        table.add_row(
            ids.render("api_key", one.id),
            escape(one.name or ""),
            " ".join(one.scopes),
            *(_minute(time) if time else "" for time in times),
        )
    print_whole(console, table)


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
