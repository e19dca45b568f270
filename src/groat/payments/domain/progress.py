"""Progress: a payment after a fact that moves it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from groat.kernel.moments import storable
from groat.kernel.value import replace
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import Payment
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    CaptureReturned,
    Declined,
    Expired,
    NotSent,
    PaymentFact,
    Processing,
    RequiresAction,
)


def after_fact(
    payment: Payment, fact: PaymentFact, status: Status, reference: str | None, now: datetime
) -> Payment:
    """Return the payment after a fact that moves it to ``status``.

    ``reference`` is the provider's id of the payment, if the fact brings it. A payment that lapses
    after a partial capture has succeeded with the captured part.
    """
    moved = replace(
        payment,
        status=status,
        updated_at=now,
        provider_reference=payment.provider_reference or reference,
        next_action_url=None,
    )
    match fact:
        case RequiresAction(url):
            moved = replace(moved, next_action_url=url)
        case Authorized(reference, amount, expires_at):
            moved = replace(
                moved,
                authorized=amount.amount,
                authorization_reference=reference,
                authorization_expires_at=storable(expires_at),
            )
        case Captured(_, amount):
            captured = payment.captured + amount.amount
            moved = replace(moved, captured=captured, authorized=payment.order.terms.amount.amount)
        case CaptureReturned(_, amount, code) if payment.captured:
            failure = code if status is Status.FAILED else payment.failure_code
            returned = payment.returned + amount.amount
            moved = replace(moved, returned=returned, failure_code=failure)
        case Declined() | CaptureReturned() | NotSent():
            moved = with_failure(moved, fact)
        case Canceled() | Expired() if payment.captured:
            moved = replace(moved, status=Status.SUCCEEDED)
        case Canceled() | Expired():
            moved = replace(moved.without_failure(), authorized=0)
        case Approved() | Processing():
            pass
        case _:
            assert_never(fact)
    return moved


def with_failure(payment: Payment, fact: Declined | CaptureReturned | NotSent) -> Payment:
    """Return the payment with the reasons of its failure, and the state for its next attempt.

    A call that was not sent is no attempt. If the provider has a payment nevertheless, it may be
    open: then the next attempt learns its state.
    """
    made = payment.provider_reference
    known = made or payment.declined_reference
    failed = replace(payment.without_failure(), failure_code=fact.code, provider_reference=known)
    if isinstance(fact, NotSent):
        is_open = payment.declined_open if made is None else True
        failed = replace(failed, attempts=max(0, payment.attempts - 1))
    else:
        is_open = fact.stays_open
    if isinstance(fact, Declined):
        failed = replace(failed, decline_code=fact.decline_code, provider_message=fact.message)
    return replace(failed, declined_reference=known, declined_open=is_open)
