"""``groat payments``: find payments, show one, and settle operations with unknown outcomes."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from groat.app import payment_tables, render
from groat.app.engine_commands import with_engine
from groat.app.moment_option import moment
from groat.app.operators import operator
from groat.app.timeline import timeline
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.filters import AmountFilter
from groat.kernel.ids import MerchantId, OperationId, PaymentId
from groat.kernel.money import Money
from groat.payments.domain.dispute import DisputeDetails, DisputeFilter
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import PaymentFilter
from groat.payments.domain.refund import Refund, RefundFilter
from groat.payments.domain.resolution import OpenOperation, Resolution
from groat.payments.http.payment_queries import ExpandedPaymentView
from groat.payments.http.payments import PaymentDetailsView, PaymentView
from groat.payments.queries import PaymentDetails

app = typer.Typer(
    help="List and show payments, and settle an operation with an unknown outcome by hand.",
    no_args_is_help=True,
)
console = Console()

_MOST = 1000
"""Maximum refunds and disputes of one payment that are shown."""

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]
PaymentArgument = Annotated[str, typer.Argument(help="The payment's id, as `pay_...`.")]
When = datetime | None
StatusOption = Annotated[Status | None, typer.Option(help="Select payments in this status.")]
Provider = Annotated[
    str | None, typer.Option(help="Select payments at this provider, such as `stripe`.")
]
Reference = Annotated[
    str | None, typer.Option(help="Select payments with this reference of the merchant.")
]
ProviderReference = Annotated[
    str | None, typer.Option(help="Select payments with this id at the provider.")
]
Amount = Annotated[
    str | None, typer.Option(help="Select payments of this amount, such as `10.50`.")
]
Currency = Annotated[
    str | None, typer.Option(help="Select payments in this currency; `--amount` needs it.")
]
From = Annotated[
    When,
    typer.Option(
        "--since",
        parser=moment,
        metavar="when",
        help="Select payments created at this time or later: `2h` ago, or a date or time.",
    ),
]
Before = Annotated[
    When,
    typer.Option(
        "--until",
        parser=moment,
        metavar="when",
        help="Select payments created before this time: `2h` ago, or a date or time.",
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of payments to show.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Found(StrEnum):
    """The outcome of an operation, as an operator found it at the provider."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@app.command("list")
def list_payments(
    merchant: Merchant,
    status: StatusOption = None,
    provider: Provider = None,
    reference: Reference = None,
    provider_reference: ProviderReference = None,
    amount: Amount = None,
    currency: Currency = None,
    created_from: From = None,
    created_before: Before = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show payments, newest first."""
    merchant_id = ids.parse_merchant(merchant)
    minor = _minor_units(amount, currency)
    amounts = AmountFilter(created_from, created_before, minor, minor, currency)
    wanted = PaymentFilter(
        status,
        reference=reference,
        provider=provider,
        provider_reference=provider_reference,
        amounts=amounts,
    )
    found = with_engine(
        lambda engine: engine.payment_queries.payments(merchant_id, wanted, after=None, limit=limit)
    )
    if as_json:
        print(json.dumps([PaymentView.of(one).model_dump(mode="json") for one in found]))
    else:
        payment_tables.payments(console, found)


@app.command()
def show(merchant: Merchant, payment: PaymentArgument, as_json: Json = False) -> None:
    """Show a payment with its operations, refunds and disputes."""
    merchant_id = ids.parse_merchant(merchant)
    payment_id = PaymentId(ids.parse("payment", payment))
    details, refunds, disputes = with_engine(lambda engine: _whole(engine, merchant_id, payment_id))
    if as_json:
        view = ExpandedPaymentView.of_details(details)
        print(view.with_refunds(refunds).with_disputes(disputes).model_dump_json())
    else:
        payment_tables.payment(console, *details, refunds, disputes)


@app.command("timeline")
def show_timeline(merchant: Merchant, payment: PaymentArgument, as_json: Json = False) -> None:
    """Show all that happened to a payment, its refunds and its disputes, in the order of time.

    The lines are operations and their outcomes, provider events with their effects, ledger
    transactions, events for the merchant with their deliveries, and audit records.
    """
    merchant_id = ids.parse_merchant(merchant)
    payment_id = PaymentId(ids.parse("payment", payment))
    lines = with_engine(lambda engine: timeline(engine, merchant_id, payment_id))
    if as_json:
        print(json.dumps([line.document() for line in lines]))
    else:
        payment_tables.timeline(console, lines)


@app.command()
def unknown(
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Maximum number of operations to show.")
    ] = 100,
    as_json: Json = False,
) -> None:
    """Show operations with an unknown outcome, oldest first, each with its age.

    Workers keep looking them up at their providers. If an operation stays in this list, look it up
    on the provider's own pages, then settle it with `groat payments resolve`.
    """
    operations = with_engine(lambda engine: engine.recovery.open_operations(limit))
    if as_json:
        print(json.dumps([_document(operation) for operation in operations]))
    else:
        render.open_operations(console, operations)


@app.command()
def resolve(
    merchant: Merchant,
    operation: Annotated[str, typer.Argument(help="The operation's id, as `op_...`.")],
    found: Annotated[
        Found, typer.Argument(help="The operation's outcome, as the provider's pages show it.")
    ],
    reason: Annotated[
        str, typer.Option(help="Your evidence for the outcome. It is kept in the audit trail.")
    ],
    reference: Annotated[
        str | None,
        typer.Option(
            help="The provider's id of the capture, refund or authorization, such as `ch_...`, if "
            "the operation succeeded. A cancellation has none."
        ),
    ] = None,
) -> None:
    """Settle an operation by hand as succeeded or failed, and print its payment.

    The same rules apply as for a provider's report. A settled payment stays as it is. An effect
    that was applied before is not applied again.
    """
    caller = operator().acting_for(ids.parse_merchant(merchant))
    operation_id = OperationId(ids.parse("operation", operation))
    resolution = Resolution(found is Found.SUCCEEDED, reference, reason)
    settled = with_engine(
        lambda engine: engine.resolution.resolve(caller, operation_id, resolution)
    )
    print(PaymentDetailsView.of_details(settled).model_dump_json())


def _minor_units(amount: str | None, currency: str | None) -> int | None:
    """Return ``amount`` in minor units of ``currency``."""
    if amount is None:
        return None
    if currency is None:
        raise typer.BadParameter("Give the --currency of the --amount, such as EUR.")
    return Money.from_decimal(amount, currency).amount


async def _whole(
    engine: Engine, merchant_id: MerchantId, payment_id: PaymentId
) -> tuple[PaymentDetails, list[Refund], list[DisputeDetails]]:
    queries = engine.payment_queries
    return (
        await queries.payment(merchant_id, payment_id),
        await queries.refunds(merchant_id, RefundFilter(payment_id), after=None, limit=_MOST),
        await queries.disputes(merchant_id, DisputeFilter(payment_id), after=None, limit=_MOST),
    )


def _document(operation: OpenOperation) -> dict[str, str | int | None]:
    return {
        "merchant": ids.render_merchant(operation.merchant_id),
        "payment": ids.render("payment", operation.operation.payment_id),
        "operation": ids.render("operation", operation.operation.id),
        "kind": operation.operation.kind.value,
        "provider_account": ids.render("provider_account", operation.provider_account_id),
        "outcome": operation.operation.outcome.value,
        "reason": operation.reason,
        "lookups": operation.lookups,
        "since": operation.created_at.isoformat(),
        "next_lookup": operation.due_at.isoformat(),
    }
