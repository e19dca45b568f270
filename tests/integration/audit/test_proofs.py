"""Proofs that leave the database: files that a stranger checks without Groat."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from groat.audit.domain.checkpoint import Checkpoint, ConsistencyProof, InclusionProof
from groat.audit.domain.tree import ProofMismatch
from groat.kernel import ids
from groat.kernel.errors import Conflict, NotFound
from groat.kernel.ids import RecordId
from tests.support.pages import pages
from tests.support.sealing import checkpoints, fill, leaves, seal_all, verifiers
from tests.support.world import World

STANDALONE = Path(__file__).parents[3] / "docs" / "examples" / "check_audit_proof.py"
STANDALONE_LINES = 150


@pytest.fixture
async def sealed(lived_in: World) -> World:
    """A world with 300 more records, in a log of several checkpoints."""
    await seal_all(lived_in)
    await fill(lived_in, 300)
    await seal_all(lived_in)
    await lived_in.wallet("wallet:last")
    await seal_all(lived_in)
    return lived_in


def stranger(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the standalone program in a Python that cannot import Groat."""
    program = (
        "import sys, runpy; sys.modules['groat'] = None; sys.argv = sys.argv[1:];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    line = [sys.executable, "-c", program, str(STANDALONE), *map(str, arguments)]
    return subprocess.run(line, check=False, capture_output=True, text=True, timeout=60)


def test_the_standalone_program_is_short_enough_to_read() -> None:
    assert len(STANDALONE.read_text().splitlines()) < STANDALONE_LINES


async def test_every_record_of_the_merchant_is_proved(sealed: World) -> None:
    [key] = await verifiers(sealed)
    records = await pages(sealed.api, "/v1/audit-records")
    size = (await checkpoints(sealed))[-1].size
    for record in records:
        answer = await sealed.api.get(f"/v1/audit-records/{record['id']}/proof")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        proof = InclusionProof.parse(answer.text)
        assert proof.verified([key]).size == size
        assert record["id"].encode() in proof.body


async def test_every_old_checkpoint_is_extended(sealed: World) -> None:
    trusted = await verifiers(sealed)
    found = await checkpoints(sealed)
    assert len(found) > 2
    for old in found:
        proof = await sealed.engine.proofs.consistency(old.size)
        assert ConsistencyProof.parse(proof.text()).verified(old, trusted) == found[-1]


async def test_the_command_line_proves_and_checks_without_a_database(
    sealed: World, tmp_path: Path
) -> None:
    record = (await leaves(sealed))[5].record
    [key] = await verifiers(sealed)
    made = await sealed.groat("audit", "prove", record)
    assert made.returncode == 0, made.stderr
    (tmp_path / "proof").write_text(made.stdout)
    line = ("audit", "check", str(tmp_path / "proof"), "--key", str(key))
    checked = await sealed.groat(*line, COLUMNS="200")
    assert (checked.returncode, record in checked.stdout) == (0, True), checked.stderr
    assert stranger(tmp_path / "proof", str(key)).stdout.startswith('{"action"')

    lines = made.stdout.split("\n")
    body = base64.b64decode(lines[1].removeprefix("extra ")).replace(b"EUR", b"USD")
    body = body.replace(b"engine", b"nobody").replace(b"command_line", b"command_lie")
    lines[1] = f"extra {base64.b64encode(body).decode()}"
    (tmp_path / "proof").write_text("\n".join(lines))
    refused = await sealed.groat(*line, COLUMNS="200")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "does not hold" in refused.stderr
    assert stranger(tmp_path / "proof", str(key)).returncode == 1


async def test_the_command_line_proves_that_the_log_only_grew(
    sealed: World, tmp_path: Path
) -> None:
    [key] = await verifiers(sealed)
    old, proof = tmp_path / "old", tmp_path / "proof"
    for (note,) in await sealed.rows("select note from audit_checkpoint order by size"):
        old.write_text(note)
        made = await sealed.groat("audit", "consistency", str(old))
        assert made.returncode == 0, made.stderr
        proof.write_text(made.stdout)
        line = ("audit", "check", str(proof), "--key", str(key), "--old", str(old))
        checked = await sealed.groat(*line, COLUMNS="200")
        assert "extends" in checked.stdout, checked.stderr
        assert stranger(proof, str(key), old).returncode == 0
    newest = await sealed.groat("audit", "checkpoint")
    assert newest.stdout == note


async def test_a_rewritten_log_has_no_proof_of_consistency(sealed: World, tmp_path: Path) -> None:
    """The owner of the server rewrites a leaf, the tree and the signatures, key in hand."""
    trusted = await verifiers(sealed)
    first = (await checkpoints(sealed))[0]
    forged = Checkpoint(first.origin, first.size, bytes(32))
    proof = await sealed.engine.proofs.consistency(forged.size)
    with pytest.raises(ProofMismatch):
        proof.verified(forged, trusted)
    [key] = trusted
    (tmp_path / "old").write_text((await sealed.rows("select note from audit_checkpoint"))[0][0])
    (tmp_path / "proof").write_text(proof.text())
    assert stranger(tmp_path / "proof", str(key), tmp_path / "old").returncode == 0
    await sealed.tamper("update audit_leaf set hash = sha256('x') where place = 0")
    refused = await sealed.groat("audit", "consistency", str(tmp_path / "old"))
    assert (refused.returncode, refused.stdout) == (1, "")


async def test_a_log_that_has_lost_records_has_no_proof(sealed: World) -> None:
    last = (await checkpoints(sealed))[-1]
    with pytest.raises(Conflict, match="lost records"):
        await sealed.engine.proofs.consistency(last.size + 1)
    await sealed.tamper("delete from audit_leaf where place = 3")
    record = ids.parse("audit_record", (await leaves(sealed))[0].record)
    with pytest.raises(Conflict, match="groat verify"):
        await sealed.engine.proofs.sealed_inclusion(RecordId(record))


async def test_a_record_that_is_not_sealed_has_no_proof_yet(world: World) -> None:
    await seal_all(world)
    await world.wallet("wallet:new")
    [record, *_] = await pages(world.api, "/v1/audit-records")
    answer = await world.api.get(f"/v1/audit-records/{record['id']}/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_sealed_yet")
    with pytest.raises(NotFound):
        await world.engine.proofs.sealed_inclusion(RecordId(ids.uuid7()))


async def test_checkpoints_are_listed_with_their_notes(sealed: World) -> None:
    listed = await pages(sealed.api, "/v1/audit-checkpoints", limit="1")
    notes = await sealed.rows("select size, note from audit_checkpoint order by size desc")
    assert [(one["size"], one["note"]) for one in listed] == notes


async def test_the_command_line_makes_replaces_and_retires_keys(world: World) -> None:
    async def groat(*line: str) -> Sequence[str]:
        done = await world.groat("audit", *line)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    [old] = await groat("keys")
    [new] = await groat("rotate-key")
    assert await groat("keys") == [old, new]
    await groat("retire-key", old)
    refused = await world.groat("audit", "init-key", "--origin", "example.com/log")
    assert (refused.returncode, "audit_log_exists" in refused.stderr) == (2, True)
    await seal_all(world)
    status = await world.groat("audit", "status", "--json")
    assert '"waiting_records": 0' in status.stdout
    shown = await world.groat("audit", "status")
    assert "waiting records" in shown.stdout
