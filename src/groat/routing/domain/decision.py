"""The decision where a payment is tried, and why. Pure.

The same payment is always routed the same way, so that rules can be tried over past payments before
they go live.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from groat.kernel.errors import Conflict
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.merchants.domain.credentials import ProviderName
from groat.routing.domain.route import Leg, Route
from groat.routing.domain.rules import Conditions, Rule, Rules, Target


class RoutingInput(Value):
    """The fields of a payment that rules look at.

    ``tokens`` holds the payment method of each provider.
    """

    id: PaymentId
    amount: Money
    kind: str | None
    metadata: Mapping[str, str]
    tokens: Mapping[ProviderName, str | None]


Consideration: TypeAlias = Literal["taken", "no_token", "not_available", "last_resort"]
"""What becomes of a target: it is tried in its turn; the payment method has no token for it; the
account is not there any more; or it is tried last, since its circuit breaker is open."""


class Considered(Value):
    """A target, and what became of it."""

    provider_account_id: ProviderAccountId
    verdict: Consideration


class RoutingDecision(Value):
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
    payment: RoutingInput,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> RoutingDecision:
    """Return how to route a payment; ``broken`` are accounts whose circuit breaker is open.

    A broken account is tried last and not never: if all are broken, one still has to be tried.

    Raises:
        Conflict: ``no_route``; no rule holds, or the one that does has no account for the payment.
    """
    skipped: list[tuple[str, str]] = []
    for rule in rules.rules:
        why = unmet(rule.conditions, payment)
        if why is None:
            return _along(rules, rule, tuple(skipped), payment, accounts, broken)
        skipped.append((rule.name, why))
    raise Conflict(
        "no_route",
        "No routing rule holds for this payment: "
        + ("; ".join(f"{name}: {why}" for name, why in skipped) or "there are none")
        + ".",
    )


def unmet(conditions: Conditions, payment: RoutingInput) -> str | None:
    """Return which condition does not hold, None if all do."""
    amount, currency = payment.amount.amount, payment.amount.currency
    if conditions.currencies and currency not in conditions.currencies:
        return f"currency is {currency}"
    if conditions.amount_min is not None and amount < conditions.amount_min:
        return f"amount is below {conditions.amount_min}"
    if conditions.amount_max is not None and amount > conditions.amount_max:
        return f"amount is above {conditions.amount_max}"
    if conditions.kinds and payment.kind not in conditions.kinds:
        return f"payment method is {payment.kind or 'of no kind'}"
    for name, value in conditions.metadata.items():
        if payment.metadata.get(name) != value:
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
    payment: RoutingInput,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> RoutingDecision:
    considered = tuple(
        Considered(one, _verdict(one, payment, accounts, broken))
        for one in _in_order(rule.targets, draw(payment.id))
    )
    taken = [one for one in considered if one.verdict == "taken"]
    taken += [one for one in considered if one.verdict == "last_resort"]
    if not taken:
        raise Conflict(
            "no_route",
            f"Rule {rule.name!r} holds; the payment method has a token for none of its accounts.",
        )
    legs = tuple(
        Leg(one.provider_account_id, payment.tokens[accounts[one.provider_account_id]])
        for one in taken
    )
    route = Route(legs, rule.fallback_on, fallback_within=rule.fallback_within)
    return RoutingDecision(rules.version, rule.name, skipped, considered, route)


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
    payment: RoutingInput,
    accounts: Mapping[ProviderAccountId, ProviderName],
    broken: Collection[ProviderAccountId],
) -> Consideration:
    provider = accounts.get(account_id)
    if provider is None:
        return "not_available"
    if provider not in payment.tokens:
        return "no_token"
    return "last_resort" if account_id in broken else "taken"
