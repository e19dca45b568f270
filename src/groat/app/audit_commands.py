"""``groat audit``: the keys of the log, its checkpoints, and proofs about it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress

from groat.app import render
from groat.app.audit_export import ExportFormat, export_records
from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.audit.domain.checkpoint import Checkpoint, ConsistencyProof, InclusionProof
from groat.audit.domain.note import NotSigned, VerifierKey
from groat.audit.domain.search import RecordFilter
from groat.audit.domain.tree import ProofMismatch
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.ids import RecordId
from groat.kernel.moments import read_moment

app = typer.Typer(
    help="Seal the audit records: keys, checkpoints, and proofs that anyone can check.",
    no_args_is_help=True,
)
console = Console()
notes = Console(stderr=True)

Keys = Annotated[
    list[str],
    typer.Option("--key", help="Verifier key of the log, as `groat audit keys` shows it."),
]
Old = Annotated[Path, typer.Argument(help="File with a checkpoint that was kept.", exists=True)]


@app.command()
def init_key(
    origin: Annotated[
        str, typer.Option(help="Name of the log: an address of yours, as example.com/groat.")
    ],
) -> None:
    """Name the log and make its first key. Workers seal records from now on.

    The command prints the verifier key. Give it to everyone who shall check proofs.
    """
    print(with_engine(lambda engine: engine.audit_keys.init(operator(), origin)))


@app.command()
def rotate_key() -> None:
    """Make one more key and print its verifier key. Old and new keys both sign.

    Give the new verifier key to your readers, then retire the old key.
    """
    print(with_engine(lambda engine: engine.audit_keys.rotate(operator())))


@app.command()
def retire_key(
    key: Annotated[str, typer.Argument(help="The verifier key of the key to retire.")],
) -> None:
    """Retire a key. It signs no further checkpoint; its signatures stay valid."""
    verifier = VerifierKey.parse(key)
    with_engine(lambda engine: engine.audit_keys.retire(operator(), verifier))


@app.command()
def keys() -> None:
    """Print the verifier keys of the log, the oldest first."""
    for key in with_engine(lambda engine: engine.audit_keys.verifiers()):
        print(key)


@app.command()
def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for programs.")
    ] = False,
) -> None:
    """Show the size of the log, the records that wait to be sealed, and for how long."""
    found = with_engine(lambda engine: engine.sealer.status())
    oldest = None if found.oldest is None else (SystemClock().now() - found.oldest).total_seconds()
    document = {
        "origin": found.origin,
        "records": found.size,
        "waiting_records": found.waiting,
        "waiting_seconds": oldest,
        "oldest_open_transaction": found.transaction,
    }
    if as_json:
        print(json.dumps(document))
    else:
        render.figures(console, "Log of audit records", document)


@app.command()
def export(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
    form: Annotated[ExportFormat, typer.Option("--format")] = ExportFormat.JSON_LINES,
    *,
    object_id: Annotated[
        str | None, typer.Option("--object", help="Only records of this object.")
    ] = None,
    action: Annotated[str | None, typer.Option(help="Only records of this action.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only records of this actor.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only records from this time on, as 2026-01-31T12:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only records before this time.")] = None,
) -> None:
    """Print a merchant's audit records, newest first, as CSV or as one JSON object a line."""
    wanted = RecordFilter(
        None if object_id is None else ids.parse_any(object_id),
        action,
        actor,
        None if since is None else read_moment(since),
        None if until is None else read_moment(until),
    )
    merchant_id = ids.parse_merchant(merchant)
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("Exporting", total=None)
        with_engine(
            lambda engine: export_records(
                engine,
                merchant_id,
                wanted,
                form,
                lambda done, of: progress.update(task, completed=done, total=of),
                sys.stdout,
            )
        )


@app.command()
def checkpoint() -> None:
    """Print the newest signed checkpoint. Keep it where nobody can alter it."""
    found = with_engine(lambda engine: engine.proofs.checkpoints(before=None, limit=1))
    for one in found:
        print(one.note, end="")


@app.command()
def publish(
    target: Annotated[
        str,
        typer.Argument(help="A file, a directory with / at its end, or the URL of a witness."),
    ],
) -> None:
    """Publish the newest checkpoint, once. Workers do so regularly: see GROAT_AUDIT_TARGETS."""
    size = with_engine(lambda engine: engine.publisher.publish(target))
    notes.print(f"The checkpoint of {size} records is published.")


@app.command()
def prove(
    record: Annotated[str, typer.Argument(help="The record's id, as `aud_...`.")],
) -> None:
    """Print the proof that a record is in the log: a file for `groat audit check`."""
    record_id = RecordId(ids.parse("audit_record", record))
    print(with_engine(lambda engine: engine.proofs.sealed_inclusion(record_id)).text(), end="")


@app.command()
def consistency(old: Old) -> None:
    """Print the proof that the log of today extends a checkpoint that was kept.

    The exit code is 1 if it does not: then the log was rewritten, or has lost records.
    """
    trusted = with_engine(lambda engine: engine.audit_keys.verifiers())
    try:
        before = Checkpoint.opened(old.read_text(encoding="utf-8"), trusted)
        proof = with_engine(lambda engine: engine.proofs.consistency(before.size))
        proof.verified(before, trusted)
    except (NotSigned, ProofMismatch) as error:
        _fail(error)
    print(proof.text(), end="")


@app.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="File of `groat audit prove` or `consistency`.", exists=True)
    ],
    key: Keys,
    old: Annotated[
        Path | None, typer.Option(help="For a proof of consistency: the checkpoint kept.")
    ] = None,
) -> None:
    """Check a proof with the log's verifier key. This takes no database and no settings.

    The exit code is 1 if the proof does not hold.
    """
    text = file.read_text(encoding="utf-8")
    try:
        trusted = [VerifierKey.parse(one) for one in key]
        print(_inclusion(text, trusted) if old is None else _consistency(text, old, trusted))
    except (NotSigned, ProofMismatch) as error:
        _fail(error)


def _inclusion(text: str, trusted: list[VerifierKey]) -> str:
    proof = InclusionProof.parse(text)
    found = proof.verified(trusted)
    place = f"record {proof.index} of {found.size} in the log {found.origin}"
    return f"{proof.body.decode()}\nThe proof holds: this is {place}."


def _consistency(text: str, old: Path, trusted: list[VerifierKey]) -> str:
    before = Checkpoint.opened(old.read_text(encoding="utf-8"), trusted)
    found = ConsistencyProof.parse(text).verified(before, trusted)
    return (
        f"The proof holds: the log {found.origin} of {found.size} records extends the one of "
        f"{before.size}."
    )


def _fail(error: ValueError) -> NoReturn:
    notes.print(f"The proof does not hold: {error}.", style="bold red", markup=False)
    raise typer.Exit(1)
