"""Accounts and transfers over HTTP, in few words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.world import World


@dataclass(frozen=True, slots=True)
class Bank:
    """Two wallets, and an account without a floor from which they are filled."""

    world: World
    source: str
    alice: str
    bob: str
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    async def opened(cls, world: World) -> Bank:
        answer = await world.api.post(
            "/v1/accounts", json={"code": "till", "currency": "EUR", "normal_side": "debit"}
        )
        source = answer.json()["id"]
        return cls(world, source, await world.wallet("wallet:a"), await world.wallet("wallet:b"))

    def order(self, **changes: object) -> dict[str, object]:
        """Return the body of a transfer of 100 from Alice to Bob, with ``changes``."""
        return {
            "reference": f"test-{next(self._numbers)}",
            "debit_account": self.alice,
            "credit_account": self.bob,
            "amount": 100,
            "currency": "EUR",
            **changes,
        }

    async def transfer(self, **changes: object) -> httpx.Response:
        return await self.world.api.post("/v1/transfers", json=self.order(**changes))

    async def fill(self, account: str, amount: int, **changes: object) -> dict[str, Any]:
        """Put money into an account out of nowhere."""
        answer = await self.transfer(
            debit_account=self.source, credit_account=account, amount=amount, **changes
        )
        assert answer.status_code == 201, answer.text
        transfer: dict[str, Any] = answer.json()
        return transfer

    async def hold(self, **changes: object) -> httpx.Response:
        """Place a hold of 60 on Alice's wallet, with ``changes``."""
        body = {
            "reference": f"hold-{next(self._numbers)}",
            "account": self.alice,
            "amount": 60,
            "currency": "EUR",
            **changes,
        }
        return await self.world.api.post("/v1/holds", json=body)

    async def account(self, account: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.world.api.get(f"/v1/accounts/{account}")).json()
        return found

    async def standing(self, account: str) -> tuple[int, int, int]:
        """Return an account's balance, what is held of it, and what is available."""
        found = await self.account(account)
        return found["balance"], found["held"], found["available"]
