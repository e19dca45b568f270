"""The interface that an adapter's author implements to run the conformance suite.

A harness serves a stand-in for the provider, and reads the stand-in's books without the adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.providers.domain.failures import FailureCode


class Fault(StrEnum):
    """A fault of the stand-in. It affects every call that changes something, and no look-up."""

    CUT_BEFORE = "cut_before"
    """The stand-in cuts the connection, and the call has no effect."""
    CUT_AFTER = "cut_after"
    """The call has its effect, then the stand-in cuts the connection without an answer."""
    SLOW = "slow"
    """The call has its effect, and the answer comes one to two seconds later."""
    RATE_LIMITED = "rate_limited"
    """The answer is 429, and the call has no effect."""
    UNAVAILABLE = "unavailable"
    """The answer is 503, and the call has no effect."""
    BROKEN = "broken"
    """The answer is 500. The stand-in may choose whether the call has its effect."""
    HTML = "html"
    """The call has its effect, but the answer is an HTML page, as from a proxy on the way."""
    DUPLICATE = "duplicate"
    """Calls succeed, and the stand-in delivers every webhook at least twice."""


class Credentials(Value, kw_only=True):
    """Four complete sets of credentials to create adapters with.

    ``good`` belongs to an account at the stand-in, and includes its webhook credentials.
    ``unreachable`` names an address where no server listens. The stand-in refuses the calls made
    with ``refused``. ``strange`` holds the webhook credentials of another account.
    """

    good: Mapping[str, str]
    unreachable: Mapping[str, str]
    refused: Mapping[str, str]
    strange: Mapping[str, str]


class PaymentMethods(Value, kw_only=True):
    """Tokens of the provider for each outcome of a payment.

    ``declined`` maps each declined token to Groat's failure code. It has at least one token for
    ``INSUFFICIENT_FUNDS`` and one for ``DO_NOT_HONOR``. A payment with ``requires_action`` waits
    for the customer and then succeeds. It is None if this provider never asks its customers to act.
    """

    succeeds: str
    declined: Mapping[str, FailureCode]
    requires_action: str | None = None


class ProviderEntry(Value):
    """An entry in the stand-in's books. ``reference`` is Groat's id of the payment or refund."""

    reference: str | None
    amount: Money


class ProviderBooks(Value, kw_only=True):
    """The stand-in's own books, read without the adapter. They prove that a call had one effect."""

    authorizations: Sequence[ProviderEntry]
    charges: Sequence[ProviderEntry]
    refunds: Sequence[ProviderEntry]


class SentWebhook(Value):
    """A webhook as the stand-in sent it. The names in ``headers`` are in lower case."""

    headers: Mapping[str, str]
    body: bytes


class Harness(Protocol):
    """A stand-in for the provider, or the provider's sandbox."""

    @property
    def answers_by_webhook(self) -> bool:
        """Whether the provider reports no success in a reply, only by webhook.

        The suite then looks for the outcome of a call in the webhooks that follow it.
        """
        ...

    @property
    def credentials(self) -> Credentials:
        """The credentials to create adapters with."""
        ...

    @property
    def payment_methods(self) -> PaymentMethods:
        """The tokens to pay with."""
        ...

    async def set_fault(self, fault: Fault | None) -> None:
        """Switch to ``fault``; None ends any fault."""
        ...

    async def complete_action(self, provider_reference: str) -> None:
        """Act as the customer of the payment with the provider's id ``provider_reference``."""
        ...

    async def books(self) -> ProviderBooks:
        """Return the stand-in's books."""
        ...

    async def take_deliveries(self) -> Sequence[SentWebhook]:
        """Wait until no webhook is left to send; return those sent since the last call."""
        ...


class OpenHarness(Protocol):
    """The callable that ``--harness`` names. It starts a stand-in and stops it at the end."""

    def __call__(self) -> AbstractAsyncContextManager[Harness]:
        """Return a context manager that yields the harness. The suite enters it once."""
        ...
