"""The routing service: store rules, route payments by them, and simulate them on past payments."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import compress
from typing import Any

from pydantic import ValidationError

from groat.audit.domain.record import Change
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import MerchantId, PaymentId, ProviderAccountId
from groat.merchants.domain.credentials import ProviderName
from groat.merchants.service.merchants import MerchantService
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database, KeyTaken
from groat.platform.redis.breaker import Breakers
from groat.platform.redis.circuit import BreakerState
from groat.routing.domain.actions import RoutingAction
from groat.routing.domain.route import RoutingDecision, RoutingInput, decide_route
from groat.routing.domain.rules import Rules, RulesInForce
from groat.routing.domain.simulation import PastPayment, Simulation, simulate
from groat.routing.infrastructure import rules as store
from groat.routing.infrastructure.documents import RulesDocument


class RoutingService:
    """Store a merchant's routing rules and route payments by them."""

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

    async def rules(self, merchant_id: MerchantId) -> RulesInForce:
        """Return the rules in force. Before a merchant sets any, they are empty, with version 0."""
        async with self._database.autocommit() as connection:
            return await store.rules(connection, merchant_id)

    async def replace(self, caller: Caller, rules: Rules) -> RulesInForce:
        """Replace the rules in force by a new version, and return it.

        Raises:
            NotFound: a rule names a provider account that the merchant does not have.
            Conflict: ``routing_rules_changed``; another caller changed the rules meanwhile.
        """
        merchant_id, now = caller.merchant_id, self._clock.now()
        await self._require_accounts(merchant_id, rules)
        try:
            async with self._database.transaction() as connection:
                before = await store.rules(connection, merchant_id)
                new = RulesInForce(before.version + 1, rules)
                store.insert_rules(connection, merchant_id, new, now)
                await self._audit.write(connection, merchant_id, [_replaced(caller, new)], now)
        except KeyTaken:
            raise Conflict(
                "routing_rules_changed",
                "Another caller changed the rules. Read them again, then send your change.",
            ) from None
        return new

    async def decide(self, merchant_id: MerchantId, payment: RoutingInput) -> RoutingDecision:
        """Decide the route of a new payment by the rules in force.

        Raises:
            Conflict: ``no_route``; no rule holds, or the first that holds has no account that can
                take the payment.
        """
        in_force = await self.rules(merchant_id)
        accounts = await self._accounts(merchant_id)
        are_broken = await asyncio.gather(*map(self._is_broken, accounts))
        broken = list(compress(accounts, are_broken))
        return decide_route(in_force, payment, accounts, broken)

    @staticmethod
    def record(
        connection: Connection,
        merchant_id: MerchantId,
        payment_id: PaymentId,
        decision: RoutingDecision,
        now: datetime,
    ) -> None:
        """Insert the decision of a new payment, in the transaction that inserts the payment."""
        store.insert_decision(connection, merchant_id, payment_id, decision, now)

    async def explain(
        self, merchant_id: MerchantId, payment_id: PaymentId
    ) -> Mapping[str, Any] | None:
        """Return the routing decision of a payment, None if its caller named the account."""
        async with self._database.autocommit() as connection:
            return await store.decision(connection, merchant_id, payment_id)

    async def simulate(
        self, merchant_id: MerchantId, rules: Rules, past: Iterable[PastPayment]
    ) -> Simulation:
        """Return the routes that ``rules`` would have chosen for past payments.

        Raises:
            NotFound: a rule names a provider account that the merchant does not have.
        """
        return simulate(rules, past, await self._require_accounts(merchant_id, rules))

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
        return {account.id: account.provider for account in listed}

    async def _is_broken(self, account_id: ProviderAccountId) -> bool:
        return (
            await self._breakers.state(ids.render("provider_account", account_id))
            is BreakerState.OPEN
        )


def read_rules(content: bytes) -> Rules:
    """Parse a rule file. It has the form of the body of ``PUT /v1/routing-rules``.

    Raises:
        InvalidRequest: ``invalid_routing_rule`` or ``invalid_routing_rules``.
    """
    try:
        document = RulesDocument.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidRequest("invalid_routing_rules", f"{where}: {first['msg']}") from None
    return document.to_rules()


def _replaced(caller: Caller, new: RulesInForce) -> Change:
    return Change.by(
        caller,
        RoutingAction.RULES_REPLACED,
        "merchant",
        ids.widened(caller.merchant_id),
        version=new.version,
        rules=len(new.rules.rules),
    )
