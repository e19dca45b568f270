"""Facts: what a provider says has happened.

A provider tells us the same thing three ways: in the reply to our call, in a webhook, in the answer
to a later look-up. An adapter turns each into the same fact, and one function applies facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.providers.domain.failures import FailureCode


@dataclass(frozen=True, slots=True)
class Captured:
    """``amount`` was taken. ``reference`` is the provider's id of the taking itself."""

    reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider or the issuer said no."""

    code: FailureCode


@dataclass(frozen=True, slots=True)
class NotSent:
    """Our call was not begun at the provider: nothing has happened there. Only we can know this.

    ``reason`` is for an operator, who may want to know more than ``code`` says.
    """

    code: FailureCode
    reason: str


Fact: TypeAlias = Captured | Declined | NotSent


@dataclass(frozen=True, slots=True)
class Report:
    """A fact about one payment.

    ``payment_id`` is our id as the provider gave it back to us, None if it was not there;
    ``provider_reference`` is the provider's id of the payment (Stripe's PaymentIntent, PayPal's
    order), by which an operation can be found, None if it refused before there was one.
    """

    payment_id: PaymentId | None
    provider_reference: str | None
    fact: Fact
