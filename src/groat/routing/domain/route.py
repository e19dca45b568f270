"""The route of a payment: which provider accounts it is tried with, and why. Pure.

The decision depends on its arguments alone: the same arguments always give the same route. So a
merchant can try new rules on past payments before they go live.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, Self, TypeAlias

from groat.kernel.errors import Conflict
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value, replace
from groat.merchants.domain.credentials import ProviderName
from groat.providers.domain.failures import FailureCode
from groat.routing.domain.rules import (
    FALLBACK_WITHIN,
    Conditions,
    Rule,
    Rules,
    RulesInForce,
    Target,
)


class Leg(Value):
    """One provider account to try a payment with, and the token to charge there.

    The token is None if the provider needs none.
    """

    provider_account_id: ProviderAccountId
    payment_method: str | None


class Route(Value):
    """The legs of a payment in their order, and the index ``at`` of the current leg.

    A payment falls back to the next leg only after a failure in ``fallback_on``, and only within
    ``fallback_within`` of its creation.
    """

    legs: tuple[Leg, ...]
    fallback_on: frozenset[FailureCode]
    at: int = 0
    fallback_within: timedelta = FALLBACK_WITHIN

    @classmethod
    def direct(cls, account_id: ProviderAccountId, payment_method: str | None) -> Self:
        """Return the route of a payment whose caller names the account: one leg, no fallback."""
        return cls((Leg(account_id, payment_method),), frozenset())

    def after(self, code: FailureCode) -> Route | None:
        """Return the route at its next leg after a failure with ``code``.

        Return None if this failure does not allow a fallback, or if no leg is left.
        """
        if code not in self.fallback_on or self.at + 1 >= len(self.legs):
            return None
        return replace(self, at=self.at + 1)

    def with_method(self, payment_method: str) -> Route:
        """Return the route with another payment method at the current leg, and no leg after it."""
        leg = replace(self.leg, payment_method=payment_method)
        return replace(self, legs=(*self.legs[: self.at], leg))

    @property
    def leg(self) -> Leg:
        """The current leg."""
        return self.legs[self.at]

    @property
    def first(self) -> ProviderAccountId:
        """The account of the first leg."""
        return self.legs[0].provider_account_id

    @property
    def behind(self) -> frozenset[ProviderAccountId]:
        """The accounts of the legs before the current one, which have all failed."""
        return frozenset(leg.provider_account_id for leg in self.legs[: self.at])


class PaymentMethod(Value):
    """The means of payment. ``kind`` is the caller's name for it, such as ``card``.

    ``tokens`` maps each provider that can charge it to its token there, None for a provider that
    needs none.
    """

    kind: str | None
    tokens: Mapping[ProviderName, str | None]


class RoutingInput(Value):
    """The fields of a payment that routing reads."""

    id: PaymentId
    amount: Money
    method: PaymentMethod
    metadata: Mapping[str, str]


Consideration: TypeAlias = Literal["taken", "no_token", "not_available", "last_resort"]
"""The verdict on a target of a rule.

``taken``: the payment is tried with it in its turn. ``no_token``: the payment has no token for its
provider. ``not_available``: the merchant has deleted the account. ``last_resort``: its circuit
breaker is open, so the payment is tried with it last.
"""


class Considered(Value):
    """A target of the rule that holds, and the verdict on it."""

    provider_account_id: ProviderAccountId
    verdict: Consideration


class RouteChoice(NamedTuple):
    """The route that rules choose for a payment, and the reasons for it.

    ``rule`` is the first rule that holds, and ``considered`` its targets with their verdicts.
    ``skipped`` holds the earlier rules, each with the condition that the payment did not meet.
    """

    rule: str
    skipped: tuple[tuple[str, str], ...]
    considered: tuple[Considered, ...]
    route: Route


class RoutingDecision(Value):
    """The route of a payment by the rules in force, and the reasons as in ``RouteChoice``."""

    rules_version: int
    rule: str
    skipped: tuple[tuple[str, str], ...]
    considered: tuple[Considered, ...]
    route: Route


def decide_route(
    in_force: RulesInForce,
    payment: RoutingInput,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> RoutingDecision:
    """Decide the route of a payment by the rules in force, as ``choose_route`` does.

    Raises:
        Conflict: ``no_route``.
    """
    choice = choose_route(in_force.rules, payment, accounts, broken)
    return RoutingDecision(in_force.version, *choice)


def choose_route(
    rules: Rules,
    payment: RoutingInput,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> RouteChoice:
    """Choose the route of a payment by the first rule that holds.

    ``accounts`` are the merchant's provider accounts. ``broken`` are the accounts whose circuit
    breaker is open. The route tries them last but keeps them: if all are broken, the payment still
    has to be tried with one of them.

    Raises:
        Conflict: ``no_route``; no rule holds, or the first that holds has no account that can take
            the payment.
    """
    skipped: list[tuple[str, str]] = []
    for rule in rules.rules:
        why = unmet(rule.conditions, payment)
        if why is None:
            return _along(rule, tuple(skipped), payment, accounts, broken)
        skipped.append((rule.name, why))
    raise Conflict(
        "no_route",
        "No routing rule holds for this payment: "
        + ("; ".join(f"{name}: {why}" for name, why in skipped) or "the merchant has no rules")
        + ".",
    )


def unmet(conditions: Conditions, payment: RoutingInput) -> str | None:
    """Describe the first condition that the payment does not meet; None if it meets all."""
    amount, currency = payment.amount.amount, payment.amount.currency
    if conditions.currencies and currency not in conditions.currencies:
        return f"currency is {currency}"
    if conditions.amount_min is not None and amount < conditions.amount_min:
        return f"amount is below {conditions.amount_min}"
    if conditions.amount_max is not None and amount > conditions.amount_max:
        return f"amount is above {conditions.amount_max}"
    if conditions.kinds and payment.method.kind not in conditions.kinds:
        return f"payment method kind is {payment.method.kind or 'not given'}"
    for name, value in conditions.metadata.items():
        if payment.metadata.get(name) != value:
            return f"metadata {name!r} is not {value!r}"
    return None


def draw(payment_id: PaymentId) -> float:
    """Return a number from 0 to below 1, derived from the payment's id by a hash.

    A payment always gets the same number, and the numbers are spread evenly over payments.
    """
    digest = hashlib.blake2b(payment_id.bytes, digest_size=6, person=b"groat routing").digest()
    return int.from_bytes(digest, "big") / 2**48


def _along(
    rule: Rule,
    skipped: tuple[tuple[str, str], ...],
    payment: RoutingInput,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> RouteChoice:
    considered = tuple(
        Considered(account_id, _verdict(account_id, payment, accounts, broken))
        for account_id in _in_order(rule.targets, draw(payment.id))
    )
    taken = [target for target in considered if target.verdict == "taken"]
    taken += [target for target in considered if target.verdict == "last_resort"]
    if not taken:
        raise Conflict(
            "no_route",
            f"Rule {rule.name!r} holds, but none of its accounts can take the payment: each is "
            "deleted, or the payment has no token for its provider.",
        )
    legs = tuple(
        Leg(target.provider_account_id, payment.method.tokens[accounts[target.provider_account_id]])
        for target in taken
    )
    route = Route(legs, rule.fallback_on, fallback_within=rule.fallback_within)
    return RouteChoice(rule.name, skipped, considered, route)


def _in_order(targets: Sequence[Target], drawn: float) -> Iterator[ProviderAccountId]:
    """Yield the accounts in the order of ``targets``; with weights, the drawn one comes first."""
    total = sum(target.weight or 0 for target in targets)
    point, first = drawn * total, targets[0]
    for target in targets:
        first = target
        point -= target.weight or 0
        if point < 0 or not total:
            break
    yield first.provider_account_id
    yield from (target.provider_account_id for target in targets if target is not first)


def _verdict(
    account_id: ProviderAccountId,
    payment: RoutingInput,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> Consideration:
    provider = accounts.get(account_id)
    if provider is None:
        return "not_available"
    if provider not in payment.method.tokens:
        return "no_token"
    return "last_resort" if account_id in broken else "taken"
