"""The authorities that HTTP clients of the tests trust: one of the usual hundred.

No test speaks TLS, and each client that is made reads its authorities for a tenth of a second.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi

_END = "-----END CERTIFICATE-----\n"


@contextmanager
def one_authority() -> Iterator[None]:
    """Let clients of this process, and of those that it starts, read one certificate."""
    before = os.environ.get("SSL_CERT_FILE")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(_END)
        (place / "authority.pem").write_text(first + end, encoding="utf-8")
        os.environ["SSL_CERT_FILE"] = str(place / "authority.pem")
        try:
            yield
        finally:
            del os.environ["SSL_CERT_FILE"]
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before
