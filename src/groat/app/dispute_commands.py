"""``groat disputes``: list and show customers' disputes."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from groat.app import payment_tables
from groat.app.engine_commands import with_engine
from groat.kernel import ids
from groat.kernel.ids import DisputeId, PaymentId
from groat.payments.domain.dispute import DisputeFilter
from groat.payments.domain.lifecycle import DisputeStatus
from groat.payments.http.disputes import DisputeView

app = typer.Typer(help="List and show customers' disputes.", no_args_is_help=True)
console = Console()

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_disputes(
    merchant: Merchant,
    status: Annotated[
        DisputeStatus | None, typer.Option(help="Select disputes in this status.")
    ] = None,
    payment: Annotated[str | None, typer.Option(help="Select disputes of this payment.")] = None,
    provider: Annotated[str | None, typer.Option(help="Select disputes at this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum disputes to show.")] = 50,
    as_json: Json = False,
) -> None:
    """Show disputes, newest first, each with the money that it moved."""
    merchant_id = ids.parse_merchant(merchant)
    payment_id = None if payment is None else PaymentId(ids.parse("payment", payment))
    wanted = DisputeFilter(payment_id, status, provider)
    found = with_engine(
        lambda engine: engine.payment_queries.disputes(merchant_id, wanted, after=None, limit=limit)
    )
    if as_json:
        print(json.dumps([DisputeView.of(one).model_dump(mode="json") for one in found]))
    else:
        payment_tables.disputes(console, found)


@app.command()
def show(
    merchant: Merchant,
    dispute: Annotated[str, typer.Argument(help="The dispute's id, as `dsp_...`.")],
    as_json: Json = False,
) -> None:
    """Show one dispute with the money that it moved."""
    merchant_id = ids.parse_merchant(merchant)
    dispute_id = DisputeId(ids.parse("dispute", dispute))
    found = with_engine(lambda engine: engine.payment_queries.dispute(merchant_id, dispute_id))
    if as_json:
        print(DisputeView.of(found).model_dump_json())
    else:
        payment_tables.disputes(console, [found])
