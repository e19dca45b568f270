"""Facts: the events at a provider that change a payment, a refund or a dispute.

A provider reports the same fact in three ways: in the reply to a call, in a webhook, and in the
answer to a later look-up. An adapter turns all three into the same fact, and one function applies
facts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from groat.kernel.ids import OperationId, PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.providers.domain.failures import FailureCode
from groat.providers.domain.movements import Movement


class RequiresAction(Value):
    """The customer has to act first, at ``url`` if the provider gives one. Example: 3-D Secure."""

    url: str | None


class Approved(Value):
    """The customer has acted. The provider waits for the engine to authorize again."""


class Processing(Value):
    """The provider still processes the payment: for seconds with a card, for days with a debit.

    Until the payment settles, the engine looks it up by the report's ``provider_reference``.
    """


class Authorized(Value):
    """The provider has reserved ``amount`` until ``expires_at``. It can be captured or canceled.

    ``reference`` is the provider's id that captures and cancellations name: Stripe's PaymentIntent,
    PayPal's authorization.
    """

    reference: str
    amount: Money
    expires_at: datetime | None


class Captured(Value):
    """The provider has captured ``amount``. ``reference`` is its id of the capture.

    If ``final``, the rest of the authorization has lapsed, and no more can be captured.
    """

    reference: str
    amount: Money
    final: bool = True


class CaptureReturned(Value):
    """A bank debit failed or was returned. ``reference`` is the provider's id of the capture.

    The capture may have succeeded before: weeks before, for some debits. If it had not, this is a
    decline; see ``Declined`` for ``stays_open``.
    """

    reference: str
    amount: Money
    code: FailureCode
    stays_open: bool = False


class Declined(Value):
    """The provider or the issuer declined the operation.

    ``decline_code`` and ``message`` are the provider's own, None if it gives none. ``stays_open``
    tells that the provider keeps the declined payment open. Another attempt then continues it, and
    a payment that has failed must be canceled there.
    """

    code: FailureCode
    decline_code: str | None = None
    message: str | None = None
    stays_open: bool = False


class Canceled(Value):
    """The payment was canceled. Nothing more can be captured."""


class Expired(Value):
    """The authorization has expired. Nothing more can be captured."""


class Refunded(Value):
    """The provider has refunded ``amount``. ``reference`` is its id of the refund."""

    reference: str
    amount: Money


class RefundFailed(Value):
    """The provider refused the refund."""

    code: FailureCode


class RefundReversed(Value):
    """The provider made a refund of ``amount``, which has failed.

    It may have succeeded before: the customer's bank returned the money.
    """

    reference: str
    amount: Money
    code: FailureCode


class InquiryOpened(Value):
    """The customer's bank inquires about ``amount``. An inquiry takes no money."""

    reference: str
    amount: Money


class InquiryClosed(Value):
    """The inquiry about ``amount`` ended without a dispute."""

    reference: str
    amount: Money


class DisputeOpened(Value):
    """The customer disputes ``amount``. ``reference`` is the provider's id of the dispute."""

    reference: str
    amount: Money


class DisputeUnderReview(Value):
    """The provider or the issuer examines the merchant's answer to the dispute."""

    reference: str
    amount: Money


class DisputeClosed(Value):
    """The dispute over ``amount`` is closed: for the merchant if ``won``, else for the customer."""

    reference: str
    amount: Money
    won: bool


class NotSent(Value):
    """The provider never began the call, so nothing has happened there.

    No provider reports this fact: only the adapter can know it, from its own failed call.
    ``reason`` gives an operator more detail than ``code``.
    """

    code: FailureCode
    reason: str


PaymentFact: TypeAlias = (
    RequiresAction
    | Approved
    | Processing
    | Authorized
    | Captured
    | CaptureReturned
    | Declined
    | Canceled
    | Expired
    | NotSent
)
RefundFact: TypeAlias = Refunded | RefundFailed | RefundReversed | NotSent
DisputeFact: TypeAlias = (
    InquiryOpened | InquiryClosed | DisputeOpened | DisputeUnderReview | DisputeClosed
)
Fact: TypeAlias = PaymentFact | RefundFact | DisputeFact


class Report(Value):
    """A fact about one payment, or about one of its refunds or disputes.

    ``payment_id`` and ``refund_id`` are Groat's ids, which the provider returned. They are None if
    the provider did not return them. ``capture_reference`` is the provider's id of the capture that
    the fact is about (as in ``Captured``). Without a ``payment_id`` the engine finds the payment by
    it. ``provider_reference`` is the provider's id of the payment (Stripe's PaymentIntent, PayPal's
    order), by which operations are looked up. It is None if the provider refused the call before it
    created a payment.

    ``movements`` are the entries in the provider's books that came with the report. A fact moves
    money between the beneficiary and clearing, a movement between clearing and the provider.

    ``operation_id`` is Groat's id of the operation that the fact is about, if the provider returned
    it. By it, the late decline of an earlier attempt is told from that of the present attempt.
    """

    payment_id: PaymentId | None
    provider_reference: str | None
    fact: Fact
    refund_id: RefundId | None = None
    capture_reference: str | None = None
    movements: tuple[Movement, ...] = ()
    operation_id: OperationId | None = None
