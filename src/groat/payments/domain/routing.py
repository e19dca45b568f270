"""Routing: which provider accounts a payment is tried with, in which order, and why. Pure.

The first rule whose conditions hold decides. The same payment is always routed the same way, so
that rules can be tried over past payments before they go live.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value, field, replace
from groat.merchants.domain.credentials import ProviderName
from groat.providers.domain.failures import RETRYABLE, FailureCode

_MOST_RULES = 100
_MOST_TARGETS = 10

FALLBACK_WITHIN = timedelta(minutes=5)
"""Default time after a payment's creation within which it may fall back."""

MOST_FALLBACK_WITHIN = timedelta(hours=1)
"""Maximum of that time: no customer is still there after it."""


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


class Traveller(Value):
    """What of a payment routing looks at. ``tokens`` are its payment method's, by provider."""

    id: PaymentId
    amount: Money
    kind: str | None
    metadata: Mapping[str, str]
    tokens: Mapping[ProviderName, str | None]


class Leg(Value):
    """One provider account to try a payment with, and the token for it, if it needs one."""

    provider_account_id: ProviderAccountId
    payment_method: str | None


class Route(Value):
    """The accounts that a payment is tried with; it is ``at`` one of them.

    It goes on to the next on one of the failures in ``fallback_on``, and on no other; and only
    ``fallback_within`` after the payment's creation.
    """

    legs: tuple[Leg, ...]
    fallback_on: frozenset[FailureCode]
    at: int = 0
    fallback_within: timedelta = FALLBACK_WITHIN

    def after(self, code: FailureCode) -> Route | None:
        """Return the route gone on with after a failure, None if it ends with that."""
        if code not in self.fallback_on or self.at + 1 >= len(self.legs):
            return None
        return replace(self, at=self.at + 1)

    @property
    def leg(self) -> Leg:
        """Where it is now."""
        return self.legs[self.at]

    @property
    def first(self) -> ProviderAccountId:
        """The account that it begins with."""
        return self.legs[0].provider_account_id

    @property
    def behind(self) -> frozenset[ProviderAccountId]:
        """The accounts that were tried and given up."""
        return frozenset(leg.provider_account_id for leg in self.legs[: self.at])


Verdict: TypeAlias = Literal["taken", "no_token", "not_available", "last_resort"]
"""What becomes of a target: it is tried in its turn; the payment method has no token for it; the
account is not there any more; or it is tried last, since its circuit breaker is open."""


class Considered(Value):
    """A target, and what became of it."""

    provider_account_id: ProviderAccountId
    verdict: Verdict


class Decision(Value):
    """How a payment was routed, and why: the rules passed over, and each target of the one taken.

    ``skipped`` are rules with what did not hold.
    """

    rules_version: int
    rule: str
    skipped: tuple[tuple[str, str], ...]
    considered: tuple[Considered, ...]
    route: Route


def decide_route(
    rules: Rules,
    traveller: Traveller,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> Decision:
    """Return how to route a payment; ``broken`` are accounts whose circuit breaker is open.

    A broken account is tried last and not never: if all are broken, one still has to be tried.

    Raises:
        Conflict: ``no_route``; no rule holds, or the one that does has no account for the payment.
    """
    skipped: list[tuple[str, str]] = []
    for rule in rules.rules:
        why = unmet(rule.conditions, traveller)
        if why is None:
            return _along(rules, rule, tuple(skipped), traveller, accounts, broken)
        skipped.append((rule.name, why))
    raise Conflict(
        "no_route",
        "No routing rule holds for this payment: "
        + ("; ".join(f"{name}: {why}" for name, why in skipped) or "there are none")
        + ".",
    )


def unmet(conditions: Conditions, traveller: Traveller) -> str | None:
    """Return which condition does not hold, None if all do."""
    amount, currency = traveller.amount.amount, traveller.amount.currency
    if conditions.currencies and currency not in conditions.currencies:
        return f"currency is {currency}"
    if conditions.amount_min is not None and amount < conditions.amount_min:
        return f"amount is below {conditions.amount_min}"
    if conditions.amount_max is not None and amount > conditions.amount_max:
        return f"amount is above {conditions.amount_max}"
    if conditions.kinds and traveller.kind not in conditions.kinds:
        return f"payment method is {traveller.kind or 'of no kind'}"
    for name, value in conditions.metadata.items():
        if traveller.metadata.get(name) != value:
            return f"metadata {name!r} is not {value!r}"
    return None


def draw(payment_id: PaymentId) -> float:
    """Return a number from 0 to below 1 that is the payment's own, evenly spread over payments."""
    digest = hashlib.blake2b(payment_id.bytes, digest_size=6, person=b"groat routing").digest()
    return int.from_bytes(digest, "big") / 2**48


def _along(
    rules: Rules,
    rule: Rule,
    skipped: tuple[tuple[str, str], ...],
    traveller: Traveller,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> Decision:
    considered = tuple(
        Considered(one, _verdict(one, traveller, accounts, broken))
        for one in _in_order(rule.targets, draw(traveller.id))
    )
    taken = [one for one in considered if one.verdict == "taken"]
    taken += [one for one in considered if one.verdict == "last_resort"]
    if not taken:
        raise Conflict(
            "no_route",
            f"Rule {rule.name!r} holds; the payment method has a token for none of its accounts.",
        )
    legs = tuple(
        Leg(one.provider_account_id, traveller.tokens[accounts[one.provider_account_id]])
        for one in taken
    )
    route = Route(legs, rule.fallback_on, fallback_within=rule.fallback_within)
    return Decision(rules.version, rule.name, skipped, considered, route)


def _in_order(targets: Sequence[Target], drawn: float) -> Iterator[ProviderAccountId]:
    """Yield the targets: as they are listed, or the one drawn by weight first."""
    total = sum(target.weight or 0 for target in targets)
    point, first = drawn * total, targets[0]
    for target in targets:
        first = target
        point -= target.weight or 0
        if point < 0 or not total:
            break
    yield first.provider_account_id
    yield from (one.provider_account_id for one in targets if one is not first)


def _verdict(
    account_id: ProviderAccountId,
    traveller: Traveller,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> Verdict:
    provider = accounts.get(account_id)
    if provider is None:
        return "not_available"
    if provider not in traveller.tokens:
        return "no_token"
    return "last_resort" if account_id in broken else "taken"
