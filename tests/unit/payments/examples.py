"""A payment, and the facts that may come in about it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from groat.audit.domain.record import Cause
from groat.kernel.ids import (
    AccountId,
    HoldId,
    OperationId,
    PaymentId,
    ProviderAccountId,
    ProviderEventId,
    RefundId,
)
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.lifecycle import RefundStatus, Status
from groat.payments.domain.operation import Operation, OperationKind, pending_operation
from groat.payments.domain.payment import Payment, PaymentOrder, PaymentTerms, confirm, new_payment
from groat.payments.domain.refund import Refund
from groat.payments.domain.standing import Arrival
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    CaptureReturned,
    Declined,
    DisputeClosed,
    DisputeOpened,
    DisputeUnderReview,
    Expired,
    Fact,
    InquiryClosed,
    InquiryOpened,
    NotSent,
    PaymentFact,
    Processing,
    Refunded,
    RefundFailed,
    RefundReversed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.domain.movements import Movement, MovementCategory
from groat.routing.domain.route import Route

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)

PAYMENT_ID = PaymentId(UUID(int=1))
BENEFICIARY = AccountId(UUID(int=2))
PROVIDER_ACCOUNT = ProviderAccountId(UUID(int=3))
OTHER_PROVIDER_ACCOUNT = ProviderAccountId(UUID(int=4))
AMOUNT = Money(1050, "EUR")
PART = Money(400, "EUR")
REST = Money(650, "EUR")

TERMS = PaymentTerms(AMOUNT, BENEFICIARY, "order-1")
ORDER = PaymentOrder(TERMS, Route.direct(PROVIDER_ACCOUNT, "pm_card_visa"))
MANUAL = replace(ORDER, terms=replace(TERMS, capture_method="manual"))
CREATED = new_payment(PAYMENT_ID, ORDER, NOW)

AUTHORIZE_ID = OperationId(UUID(int=5))
CAPTURE_ID = OperationId(UUID(int=50))
CANCEL_ID = OperationId(UUID(int=51))
REFUND_OPERATION_ID = OperationId(UUID(int=52))
REPLY = Cause.of("operation", AUTHORIZE_ID)
WEBHOOK = Cause.of("provider_event", ProviderEventId(UUID(int=6)))
OTHER_WEBHOOK = Cause.of("provider_event", ProviderEventId(UUID(int=7)))

AUTHORIZE = pending_operation(AUTHORIZE_ID, PAYMENT_ID, OperationKind.AUTHORIZE, AMOUNT.amount)
CAPTURE = pending_operation(CAPTURE_ID, PAYMENT_ID, OperationKind.CAPTURE, AMOUNT.amount)
CANCEL = pending_operation(CANCEL_ID, PAYMENT_ID, OperationKind.CANCEL, 0)

STARTED = confirm(CREATED, (), None, AUTHORIZE_ID, NOW).payment

REFUND_ID = RefundId(UUID(int=8))
HOLD_ID = HoldId(UUID(int=9))
REFUND = Refund(
    REFUND_ID,
    PAYMENT_ID,
    RefundStatus.PENDING,
    None,
    PART.amount,
    PART.currency,
    "ch_1",
    HOLD_ID,
    None,
    {},
    NOW,
    NOW,
)
REFUND_OPERATION = pending_operation(
    REFUND_OPERATION_ID,
    PAYMENT_ID,
    OperationKind.REFUND,
    PART.amount,
    refund_id=REFUND_ID,
    capture_reference="ch_1",
)

REQUIRES_ACTION = RequiresAction("https://bank.example/3ds")
APPROVED = Approved()
PROCESSING = Processing()
AUTHORIZED = Authorized("pi_1", AMOUNT, None)
CAPTURED = Captured("ch_1", AMOUNT)
CAPTURED_IN_PART = Captured("ch_part", PART, final=False)
DECLINED = Declined(FailureCode.INSUFFICIENT_FUNDS)
CANCELED = Canceled()
EXPIRED = Expired()
NOT_SENT = NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError")
RETURNED = CaptureReturned("ch_1", AMOUNT, FailureCode.INSUFFICIENT_FUNDS)
REFUNDED = Refunded("re_1", PART)
REFUND_FAILED = RefundFailed(FailureCode.PROCESSING_ERROR)
REFUND_REVERSED = RefundReversed("re_1", PART, FailureCode.PROCESSING_ERROR)
INQUIRY_OPENED = InquiryOpened("dp_1", PART)
INQUIRY_CLOSED = InquiryClosed("dp_1", PART)
DISPUTE_OPENED = DisputeOpened("dp_1", PART)
DISPUTE_UNDER_REVIEW = DisputeUnderReview("dp_1", PART)
DISPUTE_WON = DisputeClosed("dp_1", PART, won=True)
DISPUTE_LOST = DisputeClosed("dp_1", PART, won=False)

FACTS: list[PaymentFact] = [
    REQUIRES_ACTION,
    APPROVED,
    PROCESSING,
    AUTHORIZED,
    CAPTURED_IN_PART,
    CAPTURED,
    RETURNED,
    DECLINED,
    CANCELED,
    EXPIRED,
    NOT_SENT,
]
"""One fact for each that the table of payments knows."""


def arrival(
    fact: Fact,
    cause: Cause = WEBHOOK,
    reference: str | None = "pi_1",
    payment_id: PaymentId | None = PAYMENT_ID,
    *,
    refund_id: RefundId | None = None,
    operation_id: OperationId | None = None,
    movements: tuple[Movement, ...] = (),
) -> Arrival:
    """Return a fact as it comes in; one of a refund's names it."""
    if isinstance(fact, Refunded | RefundFailed | RefundReversed) and refund_id is None:
        refund_id = REFUND_ID
    report = Report(payment_id, reference, fact, refund_id, movements=movements)
    return Arrival(PROVIDER_ACCOUNT, report, cause, operation_id)


def answer_to(operation: Operation, fact: Fact) -> Arrival:
    """Return a fact as the answer to an operation."""
    return arrival(fact, REPLY, refund_id=operation.refund_id, operation_id=operation.id)


def dispute_arrival(fact: Fact, *movements: Movement, capture: str = "ch_1") -> Arrival:
    """Return a fact about a dispute, which names the capture and not the payment."""
    report = Report(None, "pi_1", fact, capture_reference=capture, movements=movements)
    return Arrival(PROVIDER_ACCOUNT, report, WEBHOOK)


def provider_refund_arrival(fact: Fact, *movements: Movement) -> Arrival:
    """Return a fact about a refund that was made at the provider: it names only the capture."""
    return dispute_arrival(fact, *movements)


def moved(
    key: str, category: MovementCategory, gross: int, fee: int = 0, source: str = "ch_1"
) -> Movement:
    """Return a movement in EUR that belongs to the charge ``ch_1``."""
    return Movement(
        key, category, category.value, NOW, "EUR", gross, fee, source=source, parent="ch_1"
    )


CHARGED = moved("txn_1", MovementCategory.CHARGE, AMOUNT.amount, fee=41)
PAID_BACK = moved("txn_2", MovementCategory.REFUND, -PART.amount, source="re_1")
BACK_AGAIN = moved("txn_3", MovementCategory.REFUND_FAILURE, PART.amount, source="re_1")
TAKEN = moved("txn_4", MovementCategory.DISPUTE, -PART.amount, fee=1500, source="dp_1")
GIVEN_BACK = moved("txn_5", MovementCategory.DISPUTE_REVERSAL, PART.amount, source="dp_1")
BANK_RETURN = moved("txn_6", MovementCategory.CHARGE_FAILURE, -AMOUNT.amount, source="pyr_1")


def standing_at(status: Status, order: PaymentOrder = ORDER) -> Payment:
    """Return a payment in ``status``, with the amounts that it has there."""
    whole = AMOUNT.amount
    authorized = whole if status in {Status.AUTHORIZED, Status.SUCCEEDED} else 0
    return replace(
        STARTED,
        order=order,
        status=status,
        authorized=authorized,
        captured=whole if status is Status.SUCCEEDED else 0,
    )
