"""A merchant's routing rules. Pure.

The first rule whose conditions hold decides which provider accounts a payment is tried with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import ProviderAccountId
from groat.kernel.value import Value, field
from groat.providers.domain.failures import RETRYABLE, FailureCode
from groat.routing.domain.route import FALLBACK_WITHIN

_MOST_RULES = 100
_MOST_TARGETS = 10

MOST_FALLBACK_WITHIN = timedelta(hours=1)
"""Maximum of ``fallback_within``: no customer is still there after it."""


class Conditions(Value):
    """What must hold for a rule to be taken; what is not given holds always.

    Amounts are in minor units, both ends included. All of ``metadata`` must be on the payment.
    """

    currencies: frozenset[str] = frozenset()
    amount_min: int | None = None
    amount_max: int | None = None
    kinds: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)


class Target(Value):
    """A provider account to try. Where all have a ``weight``, the first is drawn by it."""

    provider_account_id: ProviderAccountId
    weight: int | None = None


class Rule(Value):
    """Where to send payments that meet ``conditions``, and on which failures to go elsewhere.

    A payment goes elsewhere only ``fallback_within`` after its creation, while its customer is
    there: a bank debit that fails days later charges nobody else.
    """

    name: str
    targets: tuple[Target, ...]
    conditions: Conditions = field(default_factory=Conditions)
    fallback_on: frozenset[FailureCode] = RETRYABLE
    fallback_within: timedelta = FALLBACK_WITHIN

    def __post_init__(self) -> None:
        weights = [target.weight for target in self.targets if target.weight is not None]
        accounts = {target.provider_account_id for target in self.targets}
        if (
            not 1 <= len(self.targets) <= _MOST_TARGETS
            or len(accounts) < len(self.targets)
            or len(weights) not in {0, len(self.targets)}
            or any(weight < 1 for weight in weights)
        ):
            raise InvalidRequest(
                "invalid_routing_rule",
                f"Rule {self.name!r} has 1 to {_MOST_TARGETS} targets, each another account; "
                "either all of them or none have a weight of 1 or more.",
            )


class Rules(Value):
    """A merchant's rules in order; each change of them is a new version."""

    version: int
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if len(self.rules) > _MOST_RULES or len({rule.name for rule in self.rules}) < len(
            self.rules
        ):
            raise InvalidRequest(
                "invalid_routing_rules", f"There are up to {_MOST_RULES} rules, each with its name."
            )
