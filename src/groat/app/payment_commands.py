"""``groat payments``: what became of what nobody told us of."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import OperationId
from groat.payments.domain.resolution import OpenOperation, Resolution
from groat.payments.http.payments import PaymentDetailsView

app = typer.Typer(
    help="Payments whose outcome is not known: look at them, and settle one by hand.",
    no_args_is_help=True,
)
console = Console()

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Found(StrEnum):
    """What an operator has found out."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@app.command()
def unknown(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at the most.")] = 100,
    as_json: Json = False,
) -> None:
    """Show operations that nobody knows the outcome of, the oldest first, and since when.

    Workers keep asking their providers. One that stays here has to be looked up at the provider by
    hand, and is then settled with `groat payments resolve`.
    """
    operations = with_engine(lambda engine: engine.recovery.open_operations(limit))
    if as_json:
        print(json.dumps([_document(operation) for operation in operations]))
    else:
        render.open_operations(console, operations)


@app.command()
def resolve(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
    operation: Annotated[str, typer.Argument(help="The operation's id, as `op_...`.")],
    found: Annotated[Found, typer.Argument(help="What the provider's own pages say of it.")],
    reason: Annotated[str, typer.Option(help="How you know. It is kept in the record.")],
    reference: Annotated[
        str | None,
        typer.Option(
            help="If it succeeded: the provider's id of the capture, refund or authorization, such "
            "as `ch_...`. A cancellation has none."
        ),
    ] = None,
) -> None:
    """Settle an operation by hand, as succeeded or as failed, and print its payment.

    The same rules apply as for what a provider tells: a payment that is settled stays as it is, and
    what was applied before is not applied again.
    """
    merchant_id = ids.parse_merchant(merchant)
    operation_id = OperationId(ids.parse("operation", operation))
    resolution = Resolution(found is Found.SUCCEEDED, reference, reason)
    settled = with_engine(
        lambda engine: engine.resolution.resolve(
            Caller.operator(merchant_id), operation_id, resolution
        )
    )
    print(PaymentDetailsView.of_details(settled).model_dump_json())


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
