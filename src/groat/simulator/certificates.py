"""The certificates of PayPal's signatures: a root made at the start, and a leaf that signs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LEAF_NAME = "messageverificationcerts.paypal.com"
"""The name in PayPal's real signing certificates. A verifier must check it."""

_VALID_FOR = timedelta(days=365)
_CLOCK_DIFFERENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """A signing key with its certificates, and the id under which clients download them."""

    id: str
    key: rsa.RSAPrivateKey
    chain_pem: bytes
    """The certificates: the leaf first, then the root."""
    root_pem: bytes
    """The root certificate. A client that trusts it accepts the simulator's signatures."""


def issue_identity(now: datetime) -> SigningIdentity:
    """Return a new identity with its own root, valid from yesterday for a year."""
    root_key, leaf_key = new_key(), new_key()
    root_name = _name("Groat simulator root")
    root = _root_certificate(root_name, root_key, now)
    leaf = _leaf_certificate(root_name, root_key, leaf_key, now)
    root_pem = root.public_bytes(Encoding.PEM)
    chain_pem = leaf.public_bytes(Encoding.PEM) + root_pem
    return SigningIdentity(f"CERT-{uuid.uuid4()}", leaf_key, chain_pem, root_pem)


def new_key() -> rsa.RSAPrivateKey:
    """Return a new RSA key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _root_certificate(name: x509.Name, key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _builder(name, name, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, SHA256())
    )


def _leaf_certificate(
    issuer: x509.Name, issuer_key: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey, now: datetime
) -> x509.Certificate:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    alternative = x509.SubjectAlternativeName([x509.DNSName(LEAF_NAME)])
    return (
        _builder(_name(LEAF_NAME), issuer, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(alternative, critical=False)
        .add_extension(authority, critical=False)
        .sign(issuer_key, SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_DIFFERENCE)
        .not_valid_after(now + _VALID_FOR)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    """Return the usage of a key that signs only certificates, or only messages."""
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
