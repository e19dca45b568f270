"""Facts in the tests of adapters."""

from __future__ import annotations

from groat.kernel.value import replace
from groat.providers.domain.facts import Declined, Fact


def without_words(fact: Fact) -> Fact:
    """Return a fact without the provider's own words about a decline; other tests hold those."""
    if isinstance(fact, Declined):
        return replace(fact, decline_code=None, message=None)
    return fact
