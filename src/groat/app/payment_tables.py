"""Show payments, refunds and disputes as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from groat.app.tables import print_whole, utc
from groat.app.timeline import TimelineEntry
from groat.kernel import ids
from groat.kernel.money import Money
from groat.payments.domain.dispute import DisputeDetails
from groat.payments.domain.operation import Operation
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund


def payments(console: Console, found: Sequence[Payment]) -> None:
    """Show payments, one a line."""
    table = _table("Payments", "payment", "status", "amount", "provider's id", "reference")
    for one in found:
        table.add_row(
            utc(one.created_at),
            ids.render("payment", one.id),
            one.status.value,
            str(one.order.terms.amount),
            escape(one.provider_reference or ""),
            escape(one.order.terms.reference or ""),
        )
    print_whole(console, table)


def payment(
    console: Console,
    shown: Payment,
    operations: Sequence[Operation],
    refunded: Sequence[Refund],
    disputed: Sequence[DisputeDetails],
) -> None:
    """Show all of one payment: its fields, then its operations, refunds and disputes."""
    fields = Table(title=ids.render("payment", shown.id), show_header=False)
    for name, text in _fields(shown):
        fields.add_row(name, escape(text))
    print_whole(console, fields)
    _operations(console, operations, shown.order.terms.amount.currency)
    if refunded:
        refunds(console, refunded)
    if disputed:
        disputes(console, disputed)


def timeline(console: Console, lines: Sequence[TimelineEntry]) -> None:
    """Show the lines of a timeline, oldest first, to the millisecond."""
    table = Table(title="Timeline")
    table.add_column("time (UTC)", no_wrap=True)
    for heading in ("kind", "id", "what happened"):
        table.add_column(heading)
    for line in lines:
        at = f"{line.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
        table.add_row(at, line.kind, line.id, escape(line.text))
    print_whole(console, table)


def refunds(console: Console, found: Sequence[Refund]) -> None:
    """Show refunds, one a line."""
    table = _table("Refunds", "refund", "payment", "status", "amount", "origin", "reason")
    for one in found:
        reasons = (one.failure_code, one.reason)
        table.add_row(
            utc(one.created_at),
            ids.render("refund", one.id),
            ids.render("payment", one.payment_id),
            one.status.value,
            str(Money(one.amount, one.currency)),
            one.origin.value,
            escape("; ".join(reason for reason in reasons if reason)),
        )
    print_whole(console, table)


def disputes(console: Console, found: Sequence[DisputeDetails]) -> None:
    """Show disputes, one a line, each with the money that it moved."""
    headings = ("dispute", "payment", "status", "amount", "withdrawn", "reinstated")
    table = _table("Disputes", *headings, "provider's id")
    for details in found:
        one, money = details.dispute, details.money
        amounts = (one.amount, money.withdrawn, money.reinstated)
        table.add_row(
            utc(one.created_at),
            ids.render("dispute", one.id),
            ids.render("payment", one.payment_id),
            one.status.value,
            *(str(Money(amount, one.currency)) for amount in amounts),
            escape(one.provider_reference),
        )
    print_whole(console, table)


def _operations(console: Console, found: Sequence[Operation], currency: str) -> None:
    table = Table("operation", "kind", "amount", "outcome", "reason", title="Operations")
    for one in found:
        reasons = (one.failure_code, one.decline_code, one.provider_message)
        table.add_row(
            ids.render("operation", one.id),
            one.kind.value,
            str(Money(one.amount, currency)),
            one.outcome.value,
            escape("; ".join(reason for reason in reasons if reason)),
        )
    print_whole(console, table)


def _table(title: str, *headings: str) -> Table:
    """Return an empty table whose first column is the time of creation."""
    table = Table(title=title)
    table.add_column("created (UTC)", no_wrap=True)
    for heading in headings:
        amounts = heading in {"amount", "withdrawn", "reinstated"}
        table.add_column(heading, justify="right" if amounts else "left", no_wrap=amounts)
    return table


def _fields(shown: Payment) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each field that has a value."""
    terms = shown.order.terms
    amounts = ("authorized", "captured", "refunded", "refund_pending", "returned", "disputed")
    texts: dict[str, str | None] = {
        "status": shown.status.value,
        "amount": str(terms.amount),
        "capture method": terms.capture_method,
        **{
            name.replace("_", " "): str(Money(getattr(shown, name), terms.amount.currency))
            for name in (*amounts, "owed")
            if getattr(shown, name)
        },
        "beneficiary": ids.render("account", terms.beneficiary_id),
        "provider account": ids.render("provider_account", shown.order.provider_account_id),
        "provider's id": shown.provider_reference,
        "authorization": shown.authorization_reference,
        "authorization expires": _time(shown.authorization_expires_at),
        "reference": terms.reference,
        "customer reference": terms.customer.reference,
        "customer e-mail": terms.customer.email,
        "description": terms.description,
        "statement descriptor": terms.statement_descriptor,
        **{f"metadata {key}": value for key, value in terms.metadata.items()},
        "attempts": f"{shown.attempts} of {terms.attempts_max}",
        "failure code": shown.failure_code,
        "decline code": shown.decline_code,
        "provider's message": shown.provider_message,
        "created": _time(shown.created_at),
        "updated": _time(shown.updated_at),
    }
    yield from ((name, text) for name, text in texts.items() if text is not None)


def _time(time: datetime | None) -> str | None:
    return None if time is None else f"{utc(time)} UTC"
