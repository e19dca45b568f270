"""``/v1/payments``: take a payment, and look at payments."""

import json
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from groat.accounts.http import AccountIdText
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import Payment, PaymentOrder
from groat.payments.service import PaymentService
from groat.platform.http import (
    Authenticate,
    Body,
    Cursor,
    IdempotencyKey,
    IdText,
    Limit,
    Page,
    StrictRoute,
    View,
)
from groat.platform.idempotency import RequestKey
from groat.providers.domain.failures import FailureCode

PaymentIdText = Annotated[PaymentId, IdText("payment")]
ProviderAccountIdText = Annotated[ProviderAccountId, IdText("provider_account")]
Text = Annotated[str, Field(min_length=1, max_length=255)]
MetadataValue = Annotated[str, Field(max_length=500)]


class NewPayment(Body):
    """A payment to be taken, authorized and captured in one step.

    ``amount`` is in minor units: 1050 is 10.50 EUR. ``payment_method`` is the token that the
    provider gave for the customer's card or wallet, never a card number.
    """

    amount: int = Field(examples=[1050])
    currency: str = Field(examples=["EUR"])
    beneficiary: AccountIdText
    provider_account: ProviderAccountIdText
    payment_method: Text = Field(examples=["pm_card_visa"])
    reference: Text | None = None
    metadata: dict[Text, MetadataValue] = Field(default_factory=dict, max_length=50)

    def order(self) -> PaymentOrder:
        """Return what is asked for.

        Raises:
            InvalidRequest: the amount or the currency cannot be.
        """
        return PaymentOrder(
            Money(self.amount, self.currency),
            self.beneficiary,
            self.provider_account,
            self.payment_method,
            self.reference,
            self.metadata,
        )


class PaymentView(View):
    """A payment. Amounts are in minor units of ``currency``."""

    id: PaymentIdText
    status: Status
    amount: int
    currency: str
    captured: int
    beneficiary: AccountIdText
    provider_account: ProviderAccountIdText
    reference: str | None
    metadata: dict[str, str]
    failure_code: FailureCode | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """Return the view of ``payment``."""
        order = payment.order
        return cls(
            id=payment.id,
            status=payment.status,
            amount=order.amount.amount,
            currency=order.amount.currency,
            captured=payment.captured,
            beneficiary=order.beneficiary_id,
            provider_account=order.provider_account_id,
            reference=order.reference,
            metadata=dict(order.metadata),
            failure_code=payment.failure_code,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
        )


def router(payments: PaymentService, authenticate: Authenticate) -> APIRouter:
    """Return the routes of this module."""
    routes = APIRouter(prefix="/v1/payments", tags=["payments"], route_class=StrictRoute)
    CallerOf = Annotated[Caller, Depends(authenticate)]  # noqa: N806 - a type

    @routes.post("", status_code=201, summary="Take a payment")
    async def create(
        body: NewPayment, caller: CallerOf, idempotency_key: IdempotencyKey = None
    ) -> PaymentView:
        asked = body.model_dump(mode="json", exclude_defaults=True)
        request = json.dumps(asked, sort_keys=True).encode()  # the order of members says nothing
        key = RequestKey(idempotency_key, request) if idempotency_key else None
        return PaymentView.of(await payments.create(caller, body.order(), key))

    @routes.get("", summary="List payments")
    async def list_payments(
        caller: CallerOf, cursor: Cursor = None, limit: Limit = 20
    ) -> Page[PaymentView]:
        before = None if cursor is None else PaymentId(ids.parse("payment", cursor))
        rows = await payments.page(caller.merchant_id, before=before, limit=limit + 1)
        return Page.of(rows, limit, PaymentView.of, lambda row: ids.render("payment", row.id))

    @routes.get("/{payment_id}", summary="Get a payment")
    async def get(payment_id: Annotated[PaymentIdText, Path()], caller: CallerOf) -> PaymentView:
        return PaymentView.of(await payments.get(caller.merchant_id, payment_id))

    return routes
