"""Facts: what a provider says has happened.

A provider tells us the same thing three ways: in the reply to our call, in a webhook, in the answer
to a later look-up. An adapter turns each into the same fact, and one function applies facts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.providers.domain.failures import FailureCode


class RequiresAction(Value):
    """The customer has to do something first, at ``url`` where the provider gives one."""

    url: str | None


class Approved(Value):
    """The customer has done their part; the provider waits for us to authorize again."""


class Processing(Value):
    """The provider is at work on it and has not settled it: seconds for a card, days for a debit.

    The report's ``provider_reference`` is what it is asked for by until it is settled.
    """


class Authorized(Value):
    """``amount`` is reserved for us until ``expires_at``, and can be captured.

    ``reference`` is the provider's id of what is captured or canceled: Stripe's PaymentIntent,
    PayPal's authorization.
    """

    reference: str
    amount: Money
    expires_at: datetime | None


class Captured(Value):
    """``amount`` was taken. ``reference`` is the provider's id of the taking itself.

    ``final``: what is authorized beyond it has lapsed, and no more can be captured.
    """

    reference: str
    amount: Money
    final: bool = True


class FeeCharged(Value):
    """The provider keeps ``amount`` of what it took. ``reference`` is its id of the charging."""

    reference: str
    amount: Money


class Declined(Value):
    """The provider or the issuer said no."""

    code: FailureCode


class Canceled(Value):
    """Nothing more can be captured: it was canceled."""


class Expired(Value):
    """Nothing more can be captured: the authorization has expired."""


class Refunded(Value):
    """``amount`` was given back. ``reference`` is the provider's id of the giving back itself."""

    reference: str
    amount: Money


class RefundFailed(Value):
    """The provider gave nothing back, or what it gave came back."""

    code: FailureCode


class DisputeOpened(Value):
    """The customer disputes ``amount``. ``reference`` is the provider's id of the dispute."""

    reference: str
    amount: Money


class DisputeUnderReview(Value):
    """The provider or the issuer is looking at what we answered."""

    reference: str
    amount: Money


class DisputeWithdrawn(Value):
    """The provider took ``amount`` from us because of the dispute."""

    reference: str
    amount: Money


class DisputeReinstated(Value):
    """The provider gave back ``amount`` that it had taken because of the dispute."""

    reference: str
    amount: Money


class DisputeClosed(Value):
    """The dispute over ``amount`` is decided, for us (``won``) or for the customer."""

    reference: str
    amount: Money
    won: bool


class NotSent(Value):
    """Our call was not begun at the provider: nothing has happened there. Only we can know this.

    ``reason`` is for an operator, who may want to know more than ``code`` says.
    """

    code: FailureCode
    reason: str


PaymentFact: TypeAlias = (
    RequiresAction
    | Approved
    | Processing
    | Authorized
    | Captured
    | Declined
    | Canceled
    | Expired
    | NotSent
)
RefundFact: TypeAlias = Refunded | RefundFailed | NotSent
DisputeFact: TypeAlias = (
    DisputeOpened | DisputeUnderReview | DisputeWithdrawn | DisputeReinstated | DisputeClosed
)
Fact: TypeAlias = PaymentFact | RefundFact | DisputeFact | FeeCharged


class Report(Value):
    """A fact about one payment, or about one refund or dispute of it.

    ``payment_id`` and ``refund_id`` are our ids as the provider gave them back to us, None if they
    were not there. Without a ``payment_id`` the payment is found by ``capture_reference``, the
    provider's id of the capture that the fact is about (as in ``Captured``). ``provider_reference``
    is the provider's id of the payment (Stripe's PaymentIntent, PayPal's order), by which an
    operation can be found, None if it refused before there was one.
    """

    payment_id: PaymentId | None
    provider_reference: str | None
    fact: Fact
    refund_id: RefundId | None = None
    capture_reference: str | None = None
