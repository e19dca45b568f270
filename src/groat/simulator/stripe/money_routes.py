"""The HTTP routes of charges, refunds and disputes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request

from groat.simulator.stripe import claim_objects, payment_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.disputes import StripeDisputes
from groat.simulator.stripe.exchange import Row, Thing, cause, found, listed, shown, text
from groat.simulator.stripe.model import StripeCharge
from groat.simulator.stripe.refunds import StripeRefunds
from groat.simulator.stripe.requests import (
    CreateRefundRequest,
    DisputeRequest,
    Expanding,
    MetadataRequest,
    PageOfCharges,
    PageOfPayment,
    parse,
)
from groat.simulator.wire import Answer, JsonObject


class MoneyRoutes:
    """Shows charges, makes refunds, and answers disputes."""

    def __init__(
        self, account: StripeAccount, refunds: StripeRefunds, disputes: StripeDisputes
    ) -> None:
        self._account = account
        self._refunds = refunds
        self._disputes = disputes

    def rows(self) -> list[Row]:
        """Return the routes."""
        return [
            ("GET", "/v1/charges", self.list_charges),
            ("GET", "/v1/charges/{id}", self.show_charge),
            ("POST", "/v1/refunds", self.create_refund),
            ("GET", "/v1/refunds", self.list_refunds),
            ("GET", "/v1/refunds/{id}", self.show_refund),
            ("POST", "/v1/refunds/{id}", self.update_refund),
            ("GET", "/v1/disputes", self.list_disputes),
            ("GET", "/v1/disputes/{id}", self.show_dispute),
            ("POST", "/v1/disputes/{id}", self.answer_dispute),
            ("POST", "/v1/disputes/{id}/close", self.close_dispute),
        ]

    async def show_charge(self, request: Request) -> Answer:
        """Answer with a charge."""
        wanted = parse(Expanding, request.url.query)
        charge = found(self._account.charges, request, "charge")
        return shown(self._account, wanted, payment_objects.charge(charge))

    async def list_charges(self, request: Request) -> Answer:
        """Answer with a page of charges."""
        page = parse(PageOfCharges, request.url.query)
        charges, render = self._account.charges, payment_objects.charge

        def wanted(charge: StripeCharge) -> bool:
            return page.payment_intent in {None, charge.intent.id}

        return listed(self._account, request, page, charges, wanted, render)

    async def create_refund(self, request: Request) -> Answer:
        """Refund a charge, fully or in part."""
        wanted = parse(CreateRefundRequest, await text(request))
        refund = self._refunds.create(wanted, cause(request))
        return shown(self._account, wanted, claim_objects.refund(refund))

    async def update_refund(self, request: Request) -> Answer:
        """BalanceChange the metadata of a refund."""
        refund = found(self._account.refunds, request, "refund")
        wanted = parse(MetadataRequest, await text(request))
        self._refunds.describe(refund, wanted.metadata, cause(request))
        return shown(self._account, wanted, claim_objects.refund(refund))

    async def show_refund(self, request: Request) -> Answer:
        """Answer with a refund, also with one that Stripe made by itself."""
        wanted = parse(Expanding, request.url.query)
        hidden = self._account.hidden_refunds
        refunds = hidden if request.path_params["id"] in hidden else self._account.refunds
        refund = found(refunds, request, "refund")
        return shown(self._account, wanted, claim_objects.refund(refund))

    async def list_refunds(self, request: Request) -> Answer:
        """Answer with a page of refunds."""
        refunds, render = self._account.refunds, claim_objects.refund
        return self._listed(request, refunds, lambda refund: refund.charge, render)

    async def show_dispute(self, request: Request) -> Answer:
        """Answer with a dispute."""
        wanted = parse(Expanding, request.url.query)
        dispute = found(self._account.disputes, request, "dispute")
        return shown(self._account, wanted, claim_objects.dispute(dispute))

    async def list_disputes(self, request: Request) -> Answer:
        """Answer with a page of disputes."""
        disputes, render = self._account.disputes, claim_objects.dispute
        return self._listed(request, disputes, lambda dispute: dispute.charge, render)

    async def answer_dispute(self, request: Request) -> Answer:
        """Store or submit evidence against a dispute."""
        dispute = found(self._account.disputes, request, "dispute")
        wanted = parse(DisputeRequest, await text(request))
        self._disputes.answer(dispute, wanted, cause(request))
        return shown(self._account, wanted, claim_objects.dispute(dispute))

    async def close_dispute(self, request: Request) -> Answer:
        """Accept a dispute, which the merchant loses."""
        dispute = found(self._account.disputes, request, "dispute")
        wanted = parse(Expanding, await text(request))
        self._disputes.close(dispute, cause(request))
        return shown(self._account, wanted, claim_objects.dispute(dispute))

    def _listed(
        self,
        request: Request,
        things: Mapping[str, Thing],
        charge_of: Callable[[Thing], StripeCharge],
        render: Callable[[Thing], JsonObject],
    ) -> Answer:
        """Answer with a page of refunds or disputes, filtered by payment intent or charge."""
        page = parse(PageOfPayment, request.url.query)

        def wanted(thing: Thing) -> bool:
            return _is_of(charge_of(thing), page)

        return listed(self._account, request, page, things, wanted, render)


def _is_of(charge: StripeCharge, page: PageOfPayment) -> bool:
    of_intent = page.payment_intent in {None, charge.intent.id}
    return of_intent and page.charge in {None, charge.id}
