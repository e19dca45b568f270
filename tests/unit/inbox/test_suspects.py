from __future__ import annotations

from groat.inbox.domain.event import SUSPECT_AFTER
from groat.inbox.infrastructure.events import QUERIES


def test_queries_and_domain_agree_on_suspects() -> None:
    """They have the number as text, since PostgreSQL must see that their index has the same."""
    assert f"attempts_lost < {SUSPECT_AFTER}".encode() in QUERIES["claim_due"].text
    assert f"attempts_lost >= {SUSPECT_AFTER}".encode() in QUERIES["claim_suspect"].text
