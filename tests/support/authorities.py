"""The authorities that HTTP clients of the tests trust: one of the usual hundred.

No test speaks TLS, and reading a hundred authorities takes each new client 20 ms.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import certifi
import stripe

_END = "-----END CERTIFICATE-----\n"


@contextmanager
def one_authority() -> Iterator[None]:
    """Let clients of this process, and of processes that it starts, read one certificate.

    A client that ignores the environment asks ``certifi`` for the file; Stripe's SDK has its own.
    """
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(_END)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        file = place / "authority.pem"
        file.write_text(first + end, encoding="utf-8")
        with (
            patch.dict(os.environ, SSL_CERT_FILE=str(file)),
            patch.object(certifi, "where", lambda: str(file)),
            patch.object(stripe, "ca_bundle_path", str(file)),
        ):
            yield
