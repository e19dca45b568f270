"""``groat refunds``: list and show refunds."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from groat.app import payment_tables
from groat.app.engine_commands import with_engine
from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.payments.domain.lifecycle import RefundStatus
from groat.payments.domain.refund import RefundFilter
from groat.payments.http.refunds import RefundView

app = typer.Typer(help="List and show refunds.", no_args_is_help=True)
console = Console()

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_refunds(
    merchant: Merchant,
    status: Annotated[
        RefundStatus | None, typer.Option(help="Select refunds in this status.")
    ] = None,
    payment: Annotated[str | None, typer.Option(help="Select refunds of this payment.")] = None,
    provider: Annotated[str | None, typer.Option(help="Select refunds at this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum refunds to show.")] = 50,
    as_json: Json = False,
) -> None:
    """Show refunds, newest first."""
    merchant_id = ids.parse_merchant(merchant)
    payment_id = None if payment is None else PaymentId(ids.parse("payment", payment))
    wanted = RefundFilter(payment_id, status, provider)
    found = with_engine(
        lambda engine: engine.payment_queries.refunds(merchant_id, wanted, after=None, limit=limit)
    )
    if as_json:
        print(json.dumps([RefundView.of(one).model_dump(mode="json") for one in found]))
    else:
        payment_tables.refunds(console, found)


@app.command()
def show(
    merchant: Merchant,
    refund: Annotated[str, typer.Argument(help="The refund's id, as `ref_...`.")],
    as_json: Json = False,
) -> None:
    """Show one refund."""
    merchant_id = ids.parse_merchant(merchant)
    refund_id = RefundId(ids.parse("refund", refund))
    found = with_engine(lambda engine: engine.payment_queries.refund(merchant_id, refund_id))
    if as_json:
        print(RefundView.of(found).model_dump_json())
    else:
        payment_tables.refunds(console, [found])
