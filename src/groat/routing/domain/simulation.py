"""Simulate routing rules on past payments. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from groat.kernel.errors import Conflict
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.kernel.value import Value, replace
from groat.merchants.domain.credentials import ProviderName
from groat.routing.domain.route import RoutingInput, choose_route
from groat.routing.domain.rules import Rules


class PastPayment(NamedTuple):
    """A past payment, the account it was tried with first, and the account it ended at."""

    payment: RoutingInput
    first_account_id: ProviderAccountId
    account_id: ProviderAccountId


class SimulatedRoute(NamedTuple):
    """A past payment, and the account that the rules would try first, with the reason.

    ``first`` is None if the rules have no route for the payment.
    """

    past: PastPayment
    first: ProviderAccountId | None
    because: str

    @property
    def payment_id(self) -> PaymentId:
        """The id of the payment."""
        return self.past.payment.id


class Simulation(Value):
    """The routes that the rules would have chosen for past payments."""

    routes: list[SimulatedRoute]

    @property
    def moved(self) -> int:
        """Number of payments that the rules would have tried with another account first."""
        return sum(route.first != route.past.first_account_id for route in self.routes)

    def shares(self) -> Counter[ProviderAccountId | None]:
        """Count the payments that each account would get first. None stands for no route."""
        return Counter(route.first for route in self.routes)


def simulate(
    rules: Rules,
    past: Iterable[PastPayment],
    accounts: Mapping[ProviderAccountId, ProviderName],
) -> Simulation:
    """Route past payments by ``rules``.

    The simulation assumes that each payment has a token for every provider, and that no circuit
    breaker is open.
    """
    tokens: dict[ProviderName, str | None] = dict.fromkeys(accounts.values(), "any")
    return Simulation([_simulated(rules, payment, accounts, tokens) for payment in past])


def _simulated(
    rules: Rules,
    past: PastPayment,
    accounts: Mapping[ProviderAccountId, ProviderName],
    tokens: Mapping[ProviderName, str | None],
) -> SimulatedRoute:
    payment = replace(past.payment, method=replace(past.payment.method, tokens=tokens))
    try:
        choice = choose_route(rules, payment, accounts, ())
    except Conflict as error:
        return SimulatedRoute(past, None, error.message)
    first = choice.route.leg.provider_account_id
    return SimulatedRoute(past, first, f"rule {choice.rule!r}")
