"""``python -m benchmarks``: one subcommand for each benchmark."""

from __future__ import annotations

import typer

from benchmarks import audit, events, payments, pooler
from benchmarks.ledger import main as ledger
from benchmarks.settlement import main as settlement
from benchmarks.webhooks import main as webhooks

app = typer.Typer(
    help="Measure Groat on this machine. Compare the figures of one run; do not quote one alone.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def choose() -> None:
    """Require the name of a subcommand."""


app.command(name="audit")(audit.main)
app.command(name="events")(events.main)
app.command(name="ledger")(ledger.main)
app.command(name="payments")(payments.main)
app.command(name="pooler")(pooler.main)
app.command(name="settlement")(settlement.main)
app.command(name="webhooks")(webhooks.main)

if __name__ == "__main__":
    app()
