"""Deliveries as PayPal signs them, with certificates as they are and as they should not be."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from groat.simulator.certificates import LEAF_NAME, new_key
from groat.simulator.signatures import paypal_signature, paypal_signed_text

WEBHOOK_ID = "1JE4291016473214C"
CERTIFICATES = "/v1/notifications/certs/"
SOON, LONG_AGO = timedelta(days=1), timedelta(days=2)

TOGGLED = b"a" * 64
"""What a body has to hold so that it can be given another checksum: see ``with_checksum``."""


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return new_key()


@cache
def another_key() -> rsa.RSAPrivateKey:
    return new_key()


@dataclass(frozen=True, slots=True)
class Authority:
    """Vouches for whom it likes."""

    name: str
    key: ec.EllipticCurvePrivateKey
    root: x509.Certificate

    @classmethod
    def named(cls, name: str) -> Authority:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        root = (
            _builder(name, name, now - 2 * LONG_AGO, now + SOON)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, SHA256())
        )
        return cls(name, key, root)

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def chain(self, name: str = LEAF_NAME, *, valid_for: timedelta = SOON) -> bytes:
        """Return the chain of the signing key's certificate for ``name``, valid from long ago."""
        now = datetime.now(UTC)
        leaf = (
            _builder(name, self.name, now - LONG_AGO, now + valid_for)
            .public_key(signing_key().public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, SHA256())
        )
        return leaf.public_bytes(Encoding.PEM) + self.root_pem


_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _builder(subject: str, issuer: str, start: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


@dataclass
class CertificateHost:
    """Serves each chain whatever the path to it: nothing but the address is in a forger's way."""

    chains: Mapping[str, bytes]
    root_pem: str
    address: str = ""
    leads_to: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        name = request.url.path.rpartition("/")[2].partition("-")[0]
        if name == "moved":
            return RedirectResponse(f"{self.leads_to}{CERTIFICATES}good")
        return Response(self.chains.get(name, b""), 200 if name in self.chains else 404)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{rest:path}", self.serve)])

    @property
    def place(self) -> str:
        return self.address.removeprefix("http://")

    def certificate(self, name: str) -> str:
        """Return an address of a chain that nobody has asked for yet, so that it is not kept."""
        return f"{self.address}{CERTIFICATES}{name}-{uuid.uuid4().hex}"


def transmission(
    body: bytes,
    certificate_url: str,
    *,
    webhook_id: str = WEBHOOK_ID,
    key: rsa.RSAPrivateKey | None = None,
    age: timedelta = timedelta(),
) -> dict[str, str]:
    """Return the headers of a delivery of ``body``."""
    transmission_id = str(uuid.uuid4())
    sent_at = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = paypal_signed_text(transmission_id, sent_at, webhook_id, body)
    return {
        "paypal-transmission-id": transmission_id,
        "paypal-transmission-time": sent_at,
        "paypal-transmission-sig": paypal_signature(key or signing_key(), text),
        "paypal-cert-url": certificate_url,
        "paypal-auth-algo": "SHA256withRSA",
    }


def with_checksum(body: bytes, wanted: int) -> bytes:
    """Return ``body`` with some letters of ``TOGGLED`` changed, so that its CRC-32 is ``wanted``.

    Changing a letter changes the checksum by the same bits whatever the other letters are, so that
    this is a system of linear equations over two elements, solved by elimination.
    """
    start, plain = body.index(TOGGLED), zlib.crc32(body)
    basis: dict[int, tuple[int, int]] = {}  # by its highest bit: a change, and the letters of it
    for place in range(len(TOGGLED)):
        changed = zlib.crc32(_toggled(body, start, 1 << place)) ^ plain
        change, letters = _reduced(basis, changed, 1 << place)
        if change:
            basis[change.bit_length()] = change, letters
    left, letters = _reduced(basis, wanted ^ plain, 0)
    assert left == 0, "these letters do not reach every checksum"
    return _toggled(body, start, letters)


def _reduced(basis: dict[int, tuple[int, int]], change: int, letters: int) -> tuple[int, int]:
    while change and change.bit_length() in basis:
        by, of = basis[change.bit_length()]
        change, letters = change ^ by, letters ^ of
    return change, letters


def _toggled(body: bytes, start: int, letters: int) -> bytes:
    changed = bytearray(body)
    for place in range(len(TOGGLED)):
        if letters >> place & 1:
            changed[start + place] ^= ord("a") ^ ord("c")
    return bytes(changed)
