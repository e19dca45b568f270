"""Checkpoints and proofs as texts: what one party writes another can check, and nothing else."""

from __future__ import annotations

import base64

import pytest

from groat.audit.domain.checkpoint import Checkpoint, ConsistencyProof, InclusionProof
from groat.audit.domain.note import NotSigned, SigningKey, signed
from groat.audit.domain.record import leaf_hash
from groat.audit.domain.tree import Frontier, ProofMismatch
from groat.kernel.value import replace
from tests.unit.audit import reference_tree as reference

ORIGIN = "example.com/behind-the-sofa"
KEY = SigningKey(ORIGIN, bytes(range(32)))
TRUSTED = [KEY.verifier]
BODIES = [b'{"number":%d}' % number for number in range(7)]
LEAVES = [leaf_hash(body) for body in BODIES]
SEVEN = Checkpoint(ORIGIN, 7, reference.head(LEAVES))
FIVE = Checkpoint(ORIGIN, 5, reference.head(LEAVES[:5]))
PROOF = InclusionProof(BODIES[4], 4, tuple(reference.path(4, LEAVES)), SEVEN.signed_by([KEY]))
GROWTH = ConsistencyProof(5, tuple(reference.proof(5, LEAVES)), SEVEN.signed_by([KEY]))


def test_a_checkpoint_is_written_as_c2sp_has_it() -> None:
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert Checkpoint(ORIGIN, 20852163, root).text() == (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_a_checkpoint_is_opened_with_the_key_of_its_log() -> None:
    assert Checkpoint.opened(SEVEN.signed_by([KEY]), TRUSTED) == SEVEN


def test_extension_lines_are_ignored() -> None:
    assert Checkpoint.opened(signed(f"{SEVEN.text()}more\n", [KEY]), TRUSTED) == SEVEN


@pytest.mark.parametrize(
    "text",
    [
        "example.com/other\n7\n" + SEVEN.text().split("\n")[2] + "\n",
        SEVEN.text().replace("\n7\n", "\n07\n"),
        SEVEN.text().replace("\n7\n", "\n-7\n"),
        SEVEN.text().replace("\n7\n", "\n\u0667\n"),
        f"{ORIGIN}\n7\nYWJj\n",
        f"{ORIGIN}\n7\n",
    ],
)
def test_another_text_is_no_checkpoint_though_the_key_signed_it(text: str) -> None:
    with pytest.raises(NotSigned):
        Checkpoint.opened(signed(text, [KEY]), TRUSTED)


def test_a_proof_of_inclusion_survives_its_file_and_leads_to_the_checkpoint() -> None:
    text = PROOF.text()
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra eyJudW1iZXIiOjR9\nindex 4\n")
    assert InclusionProof.parse(text) == PROOF
    assert InclusionProof.parse(text).verified(TRUSTED) == SEVEN


def test_a_proof_of_a_log_of_one_record_has_no_path() -> None:
    one = Checkpoint(ORIGIN, 1, LEAVES[0]).signed_by([KEY])
    proof = InclusionProof(BODIES[0], 0, (), one)
    assert InclusionProof.parse(proof.text()) == proof
    assert proof.verified(TRUSTED).size == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(PROOF, body=BODIES[3]),
        replace(PROOF, body=BODIES[4] + b" "),
        replace(PROOF, index=3),
        replace(PROOF, index=7),
        replace(PROOF, path=PROOF.path[::-1]),
        replace(PROOF, path=PROOF.path[:-1]),
        replace(PROOF, note=FIVE.signed_by([KEY])),
    ],
)
def test_an_altered_proof_of_inclusion_is_refused(other: InclusionProof) -> None:
    with pytest.raises(ProofMismatch):
        InclusionProof.parse(other.text()).verified(TRUSTED)


def test_a_proof_to_a_checkpoint_that_a_stranger_signed_is_refused() -> None:
    forged = replace(PROOF, note=SEVEN.signed_by([SigningKey(ORIGIN, bytes(32))]))
    with pytest.raises(NotSigned):
        forged.verified(TRUSTED)


def test_a_proof_of_consistency_survives_its_file_and_leads_to_the_checkpoint() -> None:
    text = GROWTH.text()
    assert text.startswith("old 5\n")
    assert ConsistencyProof.parse(text) == GROWTH
    assert ConsistencyProof.parse(text).verified(FIVE, TRUSTED) == SEVEN


@pytest.mark.parametrize(
    ("proof", "old"),
    [
        (replace(GROWTH, old=4), FIVE),
        (GROWTH, replace(FIVE, root=LEAVES[0])),
        (GROWTH, replace(FIVE, origin="example.com/other")),
        (replace(GROWTH, path=GROWTH.path[::-1]), FIVE),
        (replace(GROWTH, note=replace(SEVEN, root=LEAVES[0]).signed_by([KEY])), FIVE),
        (replace(GROWTH, note=replace(FIVE, size=4).signed_by([KEY])), FIVE),
    ],
)
def test_an_altered_proof_of_consistency_is_refused(
    proof: ConsistencyProof, old: Checkpoint
) -> None:
    with pytest.raises(ProofMismatch):
        ConsistencyProof.parse(proof.text()).verified(old, TRUSTED)


@pytest.mark.parametrize(
    "text",
    ["", "c2sp.org/tlog-proof@v1\nindex 4\n\n", PROOF.text()[5:], PROOF.text()[:60], "x\n\n"],
)
def test_a_file_that_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ProofMismatch):
        InclusionProof.parse(text)
    with pytest.raises(ProofMismatch):
        ConsistencyProof.parse(text)


def test_a_log_signs_with_several_keys_while_a_key_is_replaced() -> None:
    new = SigningKey(ORIGIN, bytes(32))
    note = SEVEN.signed_by([KEY, new])
    assert Checkpoint.opened(note, [KEY.verifier]) == Checkpoint.opened(note, [new.verifier])


def test_the_frontier_of_a_log_has_the_root_of_its_checkpoint() -> None:
    assert Frontier().extended(LEAVES)[0].root() == SEVEN.root
