from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from groat.simulator.certificates import LEAF_NAME, issue_identity


def test_the_root_signs_the_leaf() -> None:
    now = datetime.now(UTC)
    identity = issue_identity(now)
    leaf, *others = x509.load_pem_x509_certificates(identity.chain_pem)
    root = x509.load_pem_x509_certificate(identity.root_pem)
    policy = PolicyBuilder().store(Store([root])).time(now)
    verifier = policy.build_server_verifier(x509.DNSName(LEAF_NAME))
    assert verifier.verify(leaf, others) == [leaf, root]
    assert leaf.public_key() == identity.key.public_key()


def test_every_identity_is_new() -> None:
    now = datetime.now(UTC)
    one, other = issue_identity(now), issue_identity(now)
    assert one.id != other.id
    assert one.root_pem != other.root_pem
