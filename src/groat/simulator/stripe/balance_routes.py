"""The HTTP routes of the balance, its transactions, payouts and top-ups."""

from __future__ import annotations

from starlette.requests import Request

from groat.simulator.stripe import balance_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance_model import StripeBalanceTransaction, StripePayout
from groat.simulator.stripe.balance_requests import (
    PageOfPayouts,
    PageOfTransactions,
    PayoutRequest,
    TopupRequest,
)
from groat.simulator.stripe.exchange import Row, cause, found, listed, shown, text
from groat.simulator.stripe.payouts import StripePayouts
from groat.simulator.stripe.requests import Expanding, ListPage, MetadataRequest, parse
from groat.simulator.wire import Answer


class BalanceRoutes:
    """Shows the balance and its transactions, and moves money to and from it."""

    def __init__(self, account: StripeAccount, payouts: StripePayouts) -> None:
        self._account = account
        self._balance = account.balance
        self._payouts = payouts

    def rows(self) -> list[Row]:
        """Return the routes."""
        payout = "/v1/payouts/{id}"
        return [
            ("GET", "/v1/balance", self.show_balance),
            ("GET", "/v1/balance_transactions", self.list_transactions),
            ("GET", "/v1/balance_transactions/{id}", self.show_transaction),
            ("POST", "/v1/payouts", self.create_payout),
            ("GET", "/v1/payouts", self.list_payouts),
            ("GET", payout, self.show_payout),
            ("POST", payout, self.update_payout),
            ("POST", f"{payout}/cancel", self.cancel_payout),
            ("POST", "/v1/topups", self.create_topup),
            ("GET", "/v1/topups", self.list_topups),
            ("GET", "/v1/topups/{id}", self.show_topup),
        ]

    async def show_balance(self, request: Request) -> Answer:
        """Answer with the balance."""
        wanted = parse(Expanding, request.url.query)
        balance = balance_objects.balance(
            self._balance.available(),
            self._balance.pending(),
            livemode=self._balance.settings.chosen.livemode,
        )
        return shown(self._account, wanted, balance)

    async def list_transactions(self, request: Request) -> Answer:
        """Answer with a page of balance transactions."""
        page = parse(PageOfTransactions, request.url.query)
        transactions, render = self._balance.transactions, self._account.render_transaction

        def wanted(transaction: StripeBalanceTransaction) -> bool:
            return (
                page.created.holds(transaction.created)
                and page.currency in {None, transaction.currency}
                and page.source in {None, transaction.source}
                and page.type in {None, transaction.kind}
                and (page.payout is None or self._payouts.shows(page.payout, transaction))
            )

        return listed(self._account, request, page, transactions, wanted, render)

    async def show_transaction(self, request: Request) -> Answer:
        """Answer with a balance transaction."""
        wanted = parse(Expanding, request.url.query)
        transaction = found(self._balance.transactions, request, "balance_transaction")
        return shown(self._account, wanted, self._account.render_transaction(transaction))

    async def create_payout(self, request: Request) -> Answer:
        """Make a manual payout."""
        wanted = parse(PayoutRequest, await text(request))
        payout = self._payouts.create(wanted, cause(request))
        return shown(self._account, wanted, balance_objects.payout(payout))

    async def list_payouts(self, request: Request) -> Answer:
        """Answer with a page of payouts."""
        page = parse(PageOfPayouts, request.url.query)

        def wanted(payout: StripePayout) -> bool:
            return (
                page.created.holds(payout.created)
                and page.arrival_date.holds(payout.arrival_date)
                and page.destination in {None, balance_objects.BANK_ACCOUNT}
                and page.status in {None, payout.status}
            )

        payouts, render = self._account.payouts, balance_objects.payout
        return listed(self._account, request, page, payouts, wanted, render)

    async def show_payout(self, request: Request) -> Answer:
        """Answer with a payout."""
        wanted = parse(Expanding, request.url.query)
        payout = found(self._account.payouts, request, "payout")
        return shown(self._account, wanted, balance_objects.payout(payout))

    async def update_payout(self, request: Request) -> Answer:
        """BalanceChange the metadata of a payout."""
        wanted = parse(MetadataRequest, await text(request))
        payout = found(self._account.payouts, request, "payout")
        self._payouts.describe(payout, wanted.metadata, cause(request))
        return shown(self._account, wanted, balance_objects.payout(payout))

    async def cancel_payout(self, request: Request) -> Answer:
        """Cancel a payout."""
        wanted = parse(Expanding, await text(request))
        payout = found(self._account.payouts, request, "payout")
        self._payouts.cancel(payout, cause(request))
        return shown(self._account, wanted, balance_objects.payout(payout))

    async def create_topup(self, request: Request) -> Answer:
        """Start a top-up."""
        wanted = parse(TopupRequest, await text(request))
        topup = self._payouts.top_up(wanted, cause(request))
        return shown(self._account, wanted, balance_objects.topup(topup))

    async def list_topups(self, request: Request) -> Answer:
        """Answer with a page of top-ups."""
        page = parse(ListPage, request.url.query)
        topups, render = self._account.topups, balance_objects.topup
        return listed(self._account, request, page, topups, lambda _: True, render)

    async def show_topup(self, request: Request) -> Answer:
        """Answer with a top-up."""
        wanted = parse(Expanding, request.url.query)
        topup = found(self._account.topups, request, "topup")
        return shown(self._account, wanted, balance_objects.topup(topup))
