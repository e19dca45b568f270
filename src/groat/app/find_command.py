"""``groat find``: the payments that an id or another text belongs to."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from groat.app.engine_commands import with_engine
from groat.app.finder import Meaning, find
from groat.app.tables import print_whole
from groat.kernel import ids

console = Console()


def find_anything(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
    text: Annotated[
        str, typer.Argument(help="An id of ours or of a provider, a reference, a key, an e-mail.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Find the payments that an id or another text belongs to, and how to show their story.

    The text may be an id of ours; a provider's id of a payment, charge, refund, dispute, event,
    balance transaction or payout; the merchant's own reference; an idempotency key; a value of
    metadata; or the customer's reference or e-mail. It must be given whole. The exit status is 1 if
    nothing is found.
    """
    merchant_id = ids.parse_merchant(merchant)
    found = with_engine(lambda engine: find(engine, merchant_id, text))
    documents = [_document(merchant, one) for one in found]
    if as_json:
        print(json.dumps(documents))
    elif documents:
        table = Table("it is the", "payment")
        for one in documents:
            table.add_row(one["meaning"], one["payment"] or "none known")
        print_whole(console, table)
        for command in dict.fromkeys(one["command"] for one in documents if one["command"]):
            print(command)
    else:
        print("Nothing has this id or text.")
    if not found:
        raise typer.Exit(1)


def _document(merchant: str, found: Meaning) -> dict[str, str | None]:
    if found.payment_id is None:
        return {"meaning": found.noun, "payment": None, "command": None}
    payment = ids.render("payment", found.payment_id)
    command = f"groat payments timeline {merchant} {payment}"
    return {"meaning": found.noun, "payment": payment, "command": command}
