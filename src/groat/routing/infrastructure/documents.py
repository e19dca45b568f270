"""JSON documents of routing rules and decisions, for the database, the API and rule files."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from groat.kernel import ids
from groat.kernel.ids import PaymentId
from groat.platform.http.edge import ProviderAccountIdText
from groat.providers.domain.failures import RETRYABLE, FailureCode, known_codes
from groat.routing.domain.route import RoutingDecision
from groat.routing.domain.rules import (
    FALLBACK_WITHIN,
    MOST_FALLBACK_WITHIN,
    Conditions,
    Rule,
    Rules,
    Target,
)

Name = Annotated[str, Field(min_length=1, max_length=100)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Amount = Annotated[int, Field(ge=1)]


def _seconds(time: timedelta) -> int:
    return time // timedelta(seconds=1)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConditionsDocument(_Document):
    """Conditions that a payment must meet. A condition that is left out always holds.

    Amounts are in minor units, and both limits are inclusive.
    """

    currencies: list[Currency] = Field(default_factory=list)
    amount_min: Amount | None = None
    amount_max: Amount | None = None
    kinds: list[Name] = Field(default_factory=list)
    metadata: dict[str, str] = Field(default_factory=dict)


class TargetDocument(_Document):
    """A provider account to try.

    If the targets of a rule have weights, a draw by weight decides which of them comes first.
    """

    provider_account: ProviderAccountIdText
    weight: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class RuleDocument(_Document):
    """The provider accounts to try, and the failures after which a payment tries the next one.

    A payment falls back only within ``fallback_within_seconds`` of its creation, while its
    customer still waits.
    """

    name: Name
    when: ConditionsDocument = ConditionsDocument()
    targets: list[TargetDocument] = Field(min_length=1, max_length=10)
    fallback_on: list[FailureCode] = Field(default_factory=lambda: sorted(RETRYABLE))
    fallback_within_seconds: int = Field(
        default=_seconds(FALLBACK_WITHIN), ge=1, le=_seconds(MOST_FALLBACK_WITHIN), strict=True
    )

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """Return the document of a rule."""
        when = rule.conditions
        return cls(
            name=rule.name,
            when=ConditionsDocument(
                currencies=sorted(when.currencies),
                amount_min=when.amount_min,
                amount_max=when.amount_max,
                kinds=sorted(when.kinds),
                metadata=dict(when.metadata),
            ),
            targets=[
                TargetDocument(provider_account=target.provider_account_id, weight=target.weight)
                for target in rule.targets
            ],
            fallback_on=sorted(rule.fallback_on),
            fallback_within_seconds=_seconds(rule.fallback_within),
        )

    def rule(self) -> Rule:
        """Return the rule that this document describes.

        Raises:
            InvalidRequest: ``invalid_routing_rule``.
        """
        return Rule(
            self.name,
            tuple(Target(target.provider_account, target.weight) for target in self.targets),
            Conditions(
                frozenset(self.when.currencies),
                self.when.amount_min,
                self.when.amount_max,
                frozenset(self.when.kinds),
                self.when.metadata,
            ),
            frozenset(self.fallback_on),
            timedelta(seconds=self.fallback_within_seconds),
        )


class RulesDocument(_Document):
    """All rules of a merchant, in order. The first rule that holds decides."""

    rules: list[RuleDocument] = Field(max_length=100)

    @classmethod
    def of(cls, rules: Rules) -> Self:
        """Return the document of a merchant's rules."""
        return cls(rules=list(map(RuleDocument.of, rules.rules)))

    def to_rules(self) -> Rules:
        """Return the rules of this document.

        Raises:
            InvalidRequest: ``invalid_routing_rule`` or ``invalid_routing_rules``.
        """
        return Rules(tuple(document.rule() for document in self.rules))


def stored_rules(document: dict[str, Any]) -> Rules:
    """Return rules as read from the database; failure codes no longer known are dropped."""
    rules = [
        {**rule, "fallback_on": known_codes(rule["fallback_on"])} for rule in document["rules"]
    ]
    return RulesDocument.model_validate({"rules": rules}).to_rules()


def decision_document(payment_id: PaymentId, decision: RoutingDecision) -> dict[str, Any]:
    """Return a decision as JSON, to store and to show. It leaves out the tokens."""
    return {
        "payment": ids.render("payment", payment_id),
        "rules_version": decision.rules_version,
        "rule": decision.rule,
        "skipped": [{"rule": name, "because": why} for name, why in decision.skipped],
        "considered": [
            {
                "provider_account": ids.render("provider_account", target.provider_account_id),
                "verdict": target.verdict,
            }
            for target in decision.considered
        ],
        "fallback_on": sorted(decision.route.fallback_on),
        "fallback_within_seconds": _seconds(decision.route.fallback_within),
    }
