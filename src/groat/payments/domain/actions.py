"""The audit actions of payments. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class PaymentAction(Action):
    """The changes of payments, refunds, disputes and their operations."""

    CREATED = "payment.created", "A caller created a payment."
    AUTHORIZE_REQUESTED = "payment.authorize_requested", "The authorization is about to be sent."
    CAPTURE_REQUESTED = "payment.capture_requested", "A capture is about to be sent."
    CANCEL_REQUESTED = "payment.cancel_requested", "A cancellation is about to be sent."
    REFUND_REQUESTED = "payment.refund_requested", "A refund is reserved and about to be sent."
    REQUIRES_ACTION = "payment.requires_action", "The customer must act first."
    APPROVED = "payment.approved", "The customer approved the payment at the provider."
    PROCESSING = "payment.processing", "The provider has the payment and has not settled it."
    AUTHORIZED = "payment.authorized", "The provider reserved the amount."
    CAPTURED = "payment.captured", "The provider captured an amount; it is posted."
    DECLINED = "payment.declined", "The provider declined the payment."
    NOT_SENT = "payment.not_sent", "The authorization did not reach the provider."
    CANCELED = "payment.canceled", "The payment was canceled."
    EXPIRED = "payment.expired", "The authorization expired."
    CAPTURE_DECLINED = "payment.capture_declined", "The provider declined a capture."
    CAPTURE_NOT_SENT = "payment.capture_not_sent", "A capture did not reach the provider."
    CANCEL_DECLINED = "payment.cancel_declined", "The provider declined a cancellation."
    CANCEL_NOT_SENT = "payment.cancel_not_sent", "A cancellation did not reach the provider."
    FELL_BACK = "payment.fell_back", "The next provider account of the route is tried."
    CAPTURE_RETURNED = "payment.capture_returned", "The bank returned a capture; it is posted."
    REFUNDED = "payment.refunded", "The provider refunded an amount; it is posted."
    REFUND_FAILED = "payment.refund_failed", "A refund failed; its reservation is released."
    REFUND_REVERSED = "payment.refund_reversed", "A refund failed after its success; it is posted."
    INQUIRY_OPENED = "payment.inquiry_opened", "A customer's bank inquires about a capture."
    INQUIRY_CLOSED = "payment.inquiry_closed", "An inquiry ended without a dispute."
    DISPUTE_OPENED = "payment.dispute_opened", "A customer disputed a capture."
    DISPUTE_UNDER_REVIEW = "payment.dispute_under_review", "The provider reviews a dispute."
    DISPUTE_WITHDRAWN = "payment.dispute_withdrawn", "A dispute took its amount; it is posted."
    DISPUTE_REINSTATED = "payment.dispute_reinstated", "A dispute's amount came back; it is posted."
    DISPUTE_CLOSED = "payment.dispute_closed", "A dispute ended."
    FACT_QUARANTINED = (
        "payment.fact_quarantined",
        "A fact contradicts the payment and is set aside.",
    )
    FACT_LATE = "payment.fact_late", "A fact came too late to change the payment."
    OUTCOME_UNKNOWN = "operation.unknown", "A call was sent and its outcome is not known."
