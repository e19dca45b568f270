"""Personal data of payments, and the digest of it in the audit record. Pure."""

from __future__ import annotations

import hashlib
from uuid import UUID

from groat.payments.domain.payment import PaymentTerms


def personal_digest(terms: PaymentTerms, salt: UUID) -> str:
    """Return the salted SHA-256, in hex, of the terms of a payment that may name a person.

    The audit record holds the digest, and the payment the data and the salt. While they are there,
    a change of the data is seen. Once both are erased, nobody can guess the data from the digest.

    Each text stands with its length in bytes, so no two different payments have one digest.
    ``check_personal_data_matches_record`` in ``checks.sql`` computes the same.
    """
    texts = [
        terms.reference,
        terms.customer.reference,
        terms.customer.email,
        terms.description,
        terms.return_url,
    ]
    for key, value in sorted(terms.metadata.items()):
        texts += [key, value]
    content = "".join(map(_with_length, texts)).encode()
    return hashlib.sha256(salt.bytes + content).hexdigest()


def _with_length(text: str | None) -> str:
    return "-;" if text is None else f"{len(text.encode())}:{text};"
