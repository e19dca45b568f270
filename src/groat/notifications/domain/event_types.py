"""The types of events: which changes the merchant is told of, and which not. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from groat.accounts.domain.actions import AccountAction
from groat.audit.domain.action import Action
from groat.audit.domain.actions import AuditAction
from groat.audit.domain.record import Change
from groat.inbox.domain.actions import InboxAction
from groat.merchants.domain.actions import MerchantAction
from groat.notifications.domain.actions import EndpointAction
from groat.notifications.domain.endpoint import TEST_TYPE
from groat.payments.domain.actions import PaymentAction
from groat.routing.domain.actions import RoutingAction
from groat.settlement.domain.actions import SettlementAction

EVENT_TYPES: Mapping[Action, str] = {
    PaymentAction.CREATED: "payment.created",
    PaymentAction.REQUIRES_ACTION: "payment.requires_action",
    PaymentAction.APPROVED: "payment.approved",
    PaymentAction.PROCESSING: "payment.processing",
    PaymentAction.AUTHORIZED: "payment.authorized",
    PaymentAction.CAPTURED: "payment.captured",
    PaymentAction.DECLINED: "payment.failed",
    PaymentAction.NOT_SENT: "payment.failed",
    PaymentAction.CANCELED: "payment.canceled",
    PaymentAction.EXPIRED: "payment.expired",
    PaymentAction.CAPTURE_DECLINED: "payment.capture_failed",
    PaymentAction.CAPTURE_NOT_SENT: "payment.capture_failed",
    PaymentAction.CANCEL_DECLINED: "payment.cancel_failed",
    PaymentAction.CANCEL_NOT_SENT: "payment.cancel_failed",
    PaymentAction.FELL_BACK: "payment.fell_back",
    PaymentAction.REFUND_REQUESTED: "refund.created",
    PaymentAction.REFUNDED: "refund.succeeded",
    PaymentAction.REFUND_FAILED: "refund.failed",
    PaymentAction.REFUND_REVERSED: "refund.failed",
    PaymentAction.CAPTURE_RETURNED: "payment.capture_returned",
    PaymentAction.DISPUTE_OPENED: "dispute.created",
    PaymentAction.DISPUTE_UNDER_REVIEW: "dispute.under_review",
    PaymentAction.INQUIRY_OPENED: "dispute.inquiry_opened",
    PaymentAction.INQUIRY_CLOSED: "dispute.inquiry_closed",
    PaymentAction.DISPUTE_WITHDRAWN: "payment.dispute_withdrawn",
    PaymentAction.DISPUTE_REINSTATED: "payment.dispute_reinstated",
    PaymentAction.DISPUTE_CLOSED: "dispute.closed",
    AccountAction.BALANCE_CHANGED: "account.balance_changed",
    EndpointAction.PAUSED: "webhook_endpoint.paused",
    EndpointAction.DISABLED: "webhook_endpoint.disabled",
    EndpointAction.TESTED: TEST_TYPE,
}
"""The event type of each change that the merchant is told of."""

SUCCEEDED = "payment.succeeded"
"""Type of the event of a change that ends a payment with a captured amount."""

REQUIRES_PAYMENT_METHOD = "payment.requires_payment_method"
"""Type of the event of a failed attempt after which another one may follow."""

ATTEMPT_FAILED = (PaymentAction.DECLINED, PaymentAction.NOT_SENT)
"""Changes that end an attempt. The status tells whether they end the payment."""

MAY_SUCCEED = (PaymentAction.CAPTURED, PaymentAction.CANCELED, PaymentAction.EXPIRED)
"""Changes after which a payment may have succeeded: an authorization that lapses after a partial
capture ends it with the captured part."""

_COMMAND = "the caller's own command; its outcome is an event"
_OPERATOR = "for operators; the object does not change"
_ANSWERED = "the answer of the call tells it"

SILENT: Mapping[Action, str] = {
    PaymentAction.AUTHORIZE_REQUESTED: _COMMAND,
    PaymentAction.CAPTURE_REQUESTED: _COMMAND,
    PaymentAction.CANCEL_REQUESTED: _COMMAND,
    PaymentAction.FACT_QUARANTINED: _OPERATOR,
    PaymentAction.FACT_LATE: _OPERATOR,
    PaymentAction.OUTCOME_UNKNOWN: _OPERATOR,
    AccountAction.ACCOUNT_CREATED: _ANSWERED,
    AccountAction.ACCOUNT_UPDATED: _ANSWERED,
    AccountAction.LEDGER_POSTED: "a batch of postings of many accounts, not one object",
    AccountAction.HOLD_PLACED: _ANSWERED,
    AccountAction.HOLD_CAPTURED: _ANSWERED,
    AccountAction.HOLD_RELEASED: _ANSWERED,
    AccountAction.HOLD_EXPIRED: "the caller set the time",
    AuditAction.KEY_CREATED: "of the installation, not of a merchant",
    AuditAction.KEY_RETIRED: "of the installation, not of a merchant",
    InboxAction.EVENT_SETTLED: "what it told the engine has events of its own",
    EndpointAction.CREATED: _ANSWERED,
    EndpointAction.UPDATED: _ANSWERED,
    EndpointAction.SECRET_ROTATED: _ANSWERED,
    EndpointAction.RECOVERED: _ANSWERED,
    InboxAction.EVENT_REPLAYED: _OPERATOR,
    InboxAction.BACKFILLED: _OPERATOR,
    MerchantAction.MERCHANT_CREATED: "nobody reads the feed yet",
    MerchantAction.DATA_KEY_REWRAPPED: _OPERATOR,
    MerchantAction.API_KEY_CREATED: _OPERATOR,
    MerchantAction.API_KEY_ROLLED: _OPERATOR,
    MerchantAction.API_KEY_REVOKED: _OPERATOR,
    MerchantAction.PROVIDER_ACCOUNT_PUT: _ANSWERED,
    MerchantAction.PROVIDER_ACCOUNT_DELETED: _ANSWERED,
    RoutingAction.RULES_REPLACED: _ANSWERED,
    SettlementAction.FILE_IMPORTED: _OPERATOR,
    SettlementAction.ACCOUNT_OPENED: _OPERATOR,
    SettlementAction.MOVEMENT_ATTRIBUTED: _ANSWERED,
    SettlementAction.MOVEMENT_DISMISSED: _ANSWERED,
    SettlementAction.MOVEMENT_RESTORED: _ANSWERED,
}
"""Why the merchant is not told of a change. Every action is either here or in ``EVENT_TYPES``."""


def event_type(change: Change) -> str | None:
    """Return the type of the event that tells of ``change``, None if the merchant is not told."""
    if change.action in MAY_SUCCEED and change.data.get("status") == "succeeded":
        return SUCCEEDED
    if change.action in ATTEMPT_FAILED and change.data.get("status") == "requires_payment_method":
        return REQUIRES_PAYMENT_METHOD
    return EVENT_TYPES.get(change.action)


def all_types() -> list[str]:
    """Return every type of event, in alphabetical order."""
    return sorted({*EVENT_TYPES.values(), SUCCEEDED, REQUIRES_PAYMENT_METHOD})
