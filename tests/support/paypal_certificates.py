"""Certificates as PayPal's are, and as they should not be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from groat.simulator.certificates import SigningIdentity, issue_identity

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EllipticIdentity:
    """A certificate whose key is not the RSA key that PayPal signs with."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@cache
def identity() -> SigningIdentity:
    return issue_identity(NOW)


@cache
def other_identity() -> SigningIdentity:
    return issue_identity(NOW)


def leaf(of: SigningIdentity) -> x509.Certificate:
    return x509.load_pem_x509_certificates(of.chain_pem)[0]


@cache
def elliptic_identity() -> EllipticIdentity:
    key = ec.generate_private_key(ec.SECP256R1())
    return EllipticIdentity(key, _self_signed(key))


def self_signed_pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _self_signed(key).public_bytes(Encoding.PEM)


def _self_signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    host = "messageverificationcerts.paypal.com"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, SHA256())
    )
