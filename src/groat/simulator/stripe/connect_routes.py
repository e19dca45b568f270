"""The HTTP routes of connected accounts and of transfers to them."""

from __future__ import annotations

from starlette.requests import Request

from groat.simulator.stripe import balance_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance_requests import (
    ConnectedAccountRequest,
    ReversalRequest,
    TransferRequest,
)
from groat.simulator.stripe.exchange import Row, cause, found, listed, shown, text
from groat.simulator.stripe.requests import Expanding, ListPage, MetadataRequest, parse
from groat.simulator.stripe.transfers import StripeTransfers
from groat.simulator.wire import Answer, answer


class ConnectRoutes:
    """The routes under ``/v1/accounts`` and ``/v1/transfers``."""

    def __init__(self, account: StripeAccount, transfers: StripeTransfers) -> None:
        self._account = account
        self._transfers = transfers

    def rows(self) -> list[Row]:
        """Return the routes."""
        account, transfer = "/v1/accounts/{id}", "/v1/transfers/{id}"
        return [
            ("POST", "/v1/accounts", self.create_account),
            ("GET", account, self.show_account),
            ("POST", account, self.update_account),
            ("DELETE", account, self.delete_account),
            ("POST", "/v1/transfers", self.create_transfer),
            ("GET", "/v1/transfers", self.list_transfers),
            ("GET", transfer, self.show_transfer),
            ("POST", transfer, self.update_transfer),
            ("POST", f"{transfer}/reversals", self.reverse_transfer),
        ]

    async def create_account(self, request: Request) -> Answer:
        """Add a connected account."""
        wanted = parse(ConnectedAccountRequest, await text(request))
        connected = self._transfers.connect(wanted)
        return shown(self._account, wanted, balance_objects.connected_account(connected))

    async def show_account(self, request: Request) -> Answer:
        """Answer with a connected account."""
        wanted = parse(Expanding, request.url.query)
        connected = found(self._transfers.connected, request, "account")
        return shown(self._account, wanted, balance_objects.connected_account(connected))

    async def update_account(self, request: Request) -> Answer:
        """BalanceChange a connected account."""
        wanted = parse(ConnectedAccountRequest, await text(request))
        connected = found(self._transfers.connected, request, "account")
        changed = self._transfers.describe_account(connected, wanted, cause(request))
        return shown(self._account, wanted, balance_objects.connected_account(changed))

    async def delete_account(self, request: Request) -> Answer:
        """Remove a connected account."""
        connected = found(self._transfers.connected, request, "account")
        del self._transfers.connected[connected.id]
        return answer(200, {"id": connected.id, "object": "account", "deleted": True})

    async def create_transfer(self, request: Request) -> Answer:
        """Make a transfer."""
        wanted = parse(TransferRequest, await text(request))
        transfer = self._transfers.create(wanted, cause(request))
        return shown(self._account, wanted, balance_objects.transfer(transfer))

    async def list_transfers(self, request: Request) -> Answer:
        """Answer with a page of transfers."""
        page = parse(ListPage, request.url.query)
        transfers, render = self._account.transfers, balance_objects.transfer
        return listed(self._account, request, page, transfers, lambda _: True, render)

    async def show_transfer(self, request: Request) -> Answer:
        """Answer with a transfer."""
        wanted = parse(Expanding, request.url.query)
        transfer = found(self._account.transfers, request, "transfer")
        return shown(self._account, wanted, balance_objects.transfer(transfer))

    async def update_transfer(self, request: Request) -> Answer:
        """BalanceChange the metadata of a transfer."""
        wanted = parse(MetadataRequest, await text(request))
        transfer = found(self._account.transfers, request, "transfer")
        self._transfers.describe(transfer, wanted.metadata, cause(request))
        return shown(self._account, wanted, balance_objects.transfer(transfer))

    async def reverse_transfer(self, request: Request) -> Answer:
        """Reverse a transfer, fully or in part."""
        wanted = parse(ReversalRequest, await text(request))
        transfer = found(self._account.transfers, request, "transfer")
        reversal = self._transfers.reverse(transfer, wanted, cause(request))
        return shown(self._account, wanted, balance_objects.transfer_reversal(reversal))
