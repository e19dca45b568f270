"""A payment, and the facts that may come in about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from groat.audit.domain.record import Cause
from groat.kernel.ids import AccountId, OperationId, PaymentId, ProviderAccountId, WebhookEventId
from groat.kernel.money import Money
from groat.payments.domain.decisions import Arrival
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import Payment, PaymentOrder, begin
from groat.providers.domain.facts import Captured, Declined, Fact, NotSent, Report
from groat.providers.domain.failures import FailureCode

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)

PAYMENT_ID = PaymentId(UUID(int=1))
BENEFICIARY = AccountId(UUID(int=2))
PROVIDER_ACCOUNT = ProviderAccountId(UUID(int=3))
OTHER_PROVIDER_ACCOUNT = ProviderAccountId(UUID(int=4))
AMOUNT = Money(1050, "EUR")

ORDER = PaymentOrder(AMOUNT, BENEFICIARY, PROVIDER_ACCOUNT, "pm_card_visa", "order-1", {})
STARTED = begin(PAYMENT_ID, ORDER, NOW)

REPLY = Cause.of("operation", OperationId(UUID(int=5)))
WEBHOOK = Cause.of("webhook_event", WebhookEventId(UUID(int=6)))
OTHER_WEBHOOK = Cause.of("webhook_event", WebhookEventId(UUID(int=7)))

CAPTURED = Captured("ch_1", AMOUNT)
DECLINED = Declined(FailureCode.INSUFFICIENT_FUNDS)
NOT_SENT = NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError")
FACTS: list[Fact] = [CAPTURED, DECLINED, NOT_SENT]


def arrival(
    fact: Fact,
    cause: Cause = WEBHOOK,
    reference: str | None = "pi_1",
    payment_id: PaymentId | None = PAYMENT_ID,
) -> Arrival:
    return Arrival(PROVIDER_ACCOUNT, Report(payment_id, reference, fact), cause)


def standing_at(status: Status) -> Payment:
    captured = AMOUNT.amount if status is Status.SUCCEEDED else 0
    return replace(STARTED, status=status, captured=captured)
