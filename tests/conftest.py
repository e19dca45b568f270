from __future__ import annotations

import pytest

# Stripe's SDK hands httpx its form as text under a name that httpx would rather keep for other
# things. The warning is raised inside the SDK's call, which would take it for a lost connection.
_OF_STRIPES_SDK = "ignore:Use 'content=:DeprecationWarning:httpx"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", _OF_STRIPES_SDK)
