"""Routing: a merchant's rules, what they decide, and what others would have decided."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from itertools import compress
from typing import Any, NamedTuple

from pydantic import ValidationError

from groat.audit.domain.record import Cause, Change
from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import MerchantId, PaymentId, ProviderAccountId
from groat.kernel.value import Value
from groat.merchants.domain.credentials import ProviderName
from groat.merchants.service import MerchantService
from groat.payments.domain.payment import Payment, PaymentFilter
from groat.payments.domain.routing import Decision, Rules, Traveller, decide_route
from groat.payments.infrastructure import routing, store
from groat.payments.infrastructure.routing_documents import RulesDocument
from groat.platform.breaker import Breakers, BreakerState
from groat.platform.database import Database, KeyTaken


class Replayed(NamedTuple):
    """A past payment, and where rules would have sent it first, None if nowhere; and why."""

    payment: Payment
    first: ProviderAccountId | None
    because: str


class Simulation(Value):
    """What rules would have done with past payments."""

    replayed: list[Replayed]

    @property
    def moved(self) -> int:
        """How many would have gone elsewhere first than they did."""
        return sum(one.first != one.payment.order.first_account_id for one in self.replayed)

    def shares(self) -> Counter[ProviderAccountId | None]:
        """Return how many would have gone to each account first, None to none."""
        return Counter(one.first for one in self.replayed)


class RoutingService:
    """Keeps routing rules and decides by them."""

    def __init__(
        self,
        database: Database,
        merchants: MerchantService,
        audit: AuditService,
        breakers: Breakers,
        clock: Clock,
    ) -> None:
        self._database = database
        self._merchants = merchants
        self._audit = audit
        self._breakers = breakers
        self._clock = clock

    async def rules(self, merchant_id: MerchantId) -> Rules:
        """Return the rules in force; version 0 has none."""
        async with self._database.autocommit() as connection:
            return await routing.rules(connection, merchant_id)

    async def replace(self, caller: Caller, document: RulesDocument) -> Rules:
        """Put new rules into force, as a new version.

        Raises:
            InvalidRequest: ``invalid_routing_rule`` or ``invalid_routing_rules``.
            NotFound: a rule names a provider account that the merchant does not have.
            Conflict: ``routing_rules_changed``, somebody else was quicker.
        """
        merchant_id, now = caller.merchant_id, self._clock.now()
        await self._require_accounts(merchant_id, document.at(1))
        try:
            async with self._database.transaction() as connection:
                version = (await routing.rules(connection, merchant_id)).version + 1
                new = document.at(version)
                routing.insert_rules(connection, merchant_id, new, now)
                change = Change(
                    "routing_rules.replaced",
                    "merchant",
                    ids.widened(merchant_id),
                    caller.actor,
                    Cause(caller.request_id),
                    {"version": version, "rules": len(new.rules)},
                )
                self._audit.write(connection, merchant_id, [change], now)
        except KeyTaken:
            raise Conflict(
                "routing_rules_changed", "Somebody else has changed the rules; look at them again."
            ) from None
        return new

    async def decide(self, merchant_id: MerchantId, traveller: Traveller) -> Decision:
        """Return how to route a payment that is about to be made.

        Raises:
            Conflict: ``no_route``.
        """
        rules = await self.rules(merchant_id)
        accounts = await self._accounts(merchant_id)
        are_broken = await asyncio.gather(*map(self._is_broken, accounts))
        broken = list(compress(accounts, are_broken))
        return decide_route(rules, traveller, accounts, broken)

    async def explain(
        self, merchant_id: MerchantId, payment_id: PaymentId
    ) -> Mapping[str, Any] | None:
        """Return how a payment was routed and why, None if its caller named the account."""
        async with self._database.autocommit() as connection:
            return await routing.decision(connection, merchant_id, payment_id)

    async def simulate(
        self, merchant_id: MerchantId, document: RulesDocument, limit: int
    ) -> Simulation:
        """Return what rules would do with the last ``limit`` payments, were they made now.

        Each is taken to have a token for every provider, and no circuit breaker to be open.

        Raises:
            InvalidRequest: as ``replace``.
            NotFound: as ``replace``.
        """
        rules = document.at(1)
        accounts = await self._require_accounts(merchant_id, rules)
        tokens: dict[ProviderName, str | None] = dict.fromkeys(accounts.values(), "any")
        async with self._database.autocommit() as connection:
            past = await store.payments(connection, merchant_id, PaymentFilter(), None, limit)
        return Simulation([_replay(rules, payment, accounts, tokens) for payment in past])

    async def _require_accounts(
        self, merchant_id: MerchantId, rules: Rules
    ) -> Mapping[ProviderAccountId, ProviderName]:
        accounts = await self._accounts(merchant_id)
        for rule in rules.rules:
            for target in rule.targets:
                if target.provider_account_id not in accounts:
                    text = ids.render("provider_account", target.provider_account_id)
                    raise ids.not_found("provider_account", text)
        return accounts

    async def _accounts(self, merchant_id: MerchantId) -> Mapping[ProviderAccountId, ProviderName]:
        listed = await self._merchants.provider_accounts(merchant_id)
        return {one.id: one.provider for one in listed}

    async def _is_broken(self, account_id: ProviderAccountId) -> bool:
        return await self._breakers.state(str(account_id)) is BreakerState.OPEN


def read_rules(content: bytes) -> RulesDocument:
    """Return the rules in a file, in the form in which the API takes them.

    Raises:
        InvalidRequest: ``invalid_routing_rules``, with the first thing that is wrong.
    """
    try:
        return RulesDocument.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidRequest("invalid_routing_rules", f"{where}: {first['msg']}") from None


def _replay(
    rules: Rules,
    payment: Payment,
    accounts: Mapping[ProviderAccountId, ProviderName],
    tokens: Mapping[ProviderName, str | None],
) -> Replayed:
    order = payment.order
    traveller = Traveller(payment.id, order.amount, order.kind, order.metadata, tokens)
    try:
        decision = decide_route(rules, traveller, accounts, ())
    except Conflict as error:
        return Replayed(payment, None, error.message)
    return Replayed(payment, decision.route.leg.provider_account_id, f"rule {decision.rule!r}")
