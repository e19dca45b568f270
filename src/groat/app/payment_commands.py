"""``groat payments``: show operations with an unknown outcome, and settle one by hand."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.kernel import ids
from groat.kernel.ids import OperationId
from groat.payments.domain.resolution import OpenOperation, Resolution
from groat.payments.http.payments import PaymentDetailsView

app = typer.Typer(
    help="Show operations with an unknown outcome, and settle one by hand.",
    no_args_is_help=True,
)
console = Console()

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Found(StrEnum):
    """The outcome of an operation, as an operator found it at the provider."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


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
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
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
