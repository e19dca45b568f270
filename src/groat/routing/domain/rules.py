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

_MOST_RULES = 100
"""Maximum number of rules of a merchant."""

_MOST_TARGETS = 10
"""Maximum number of targets of a rule."""

FALLBACK_WITHIN = timedelta(minutes=5)
"""Default time after its creation in which a payment may fall back to another account."""

MOST_FALLBACK_WITHIN = timedelta(hours=1)
"""Maximum of ``fallback_within``. After an hour no customer still waits for the payment."""


class Conditions(Value):
    """The conditions of a rule. It holds if the payment meets all of them.

    A condition that is not given always holds. Amounts are in minor units, and both limits are
    inclusive. The payment must carry every entry of ``metadata``.
    """

    currencies: frozenset[str] = frozenset()
    amount_min: int | None = None
    amount_max: int | None = None
    kinds: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)


class Target(Value):
    """A provider account to try.

    If the targets of a rule have weights, a draw by weight decides which of them comes first.
    """

    provider_account_id: ProviderAccountId
    weight: int | None = None


class Rule(Value):
    """The targets of payments that meet ``conditions``, and the failures that allow a fallback.

    A payment falls back only within ``fallback_within`` of its creation, while its customer still
    waits. For example, a bank debit that fails four days later is not charged at another account.
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
                f"Rule {self.name!r} must have 1 to {_MOST_TARGETS} targets, each with another "
                "account. Give all of them a weight of 1 or more, or none.",
            )


class Rules(Value):
    """The rules of a merchant in their order."""

    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if len(self.rules) > _MOST_RULES or len({rule.name for rule in self.rules}) < len(
            self.rules
        ):
            raise InvalidRequest(
                "invalid_routing_rules",
                f"A merchant may have up to {_MOST_RULES} rules, each with a name of its own.",
            )


class RulesInForce(Value):
    """The rules that route a merchant's payments now. Every change creates a new version.

    Before the first change, there are no rules, and the version is 0.
    """

    version: int
    rules: Rules
