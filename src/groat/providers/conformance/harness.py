"""What an adapter's author supplies: a stand-in for the provider, and a way around the adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.providers.domain.failures import FailureCode


class Fault(StrEnum):
    """What is to go wrong with every call that moves something. Calls that only look are spared."""

    CUT_BEFORE = "cut_before"
    """The connection is cut, and the call has no effect."""
    CUT_AFTER = "cut_after"
    """The connection is cut after the call had its effect."""
    SLOW = "slow"
    """The call has its effect and is answered one to two seconds later."""
    RATE_LIMITED = "rate_limited"
    """The answer is 429, and the call has no effect."""
    UNAVAILABLE = "unavailable"
    """The answer is 503, and the call has no effect."""
    BROKEN = "broken"
    """The answer is 500; whether the call had its effect is the stand-in's choice."""
    HTML = "html"
    """The call has its effect, and something on the way answers in its place with a page."""
    DUPLICATE = "duplicate"
    """Calls are well; every webhook is delivered at least twice."""


class Credentials(Value, kw_only=True):
    """What adapters are made with, each complete.

    ``good`` are those of an account at the stand-in, with what verifies its webhooks. With
    ``unreachable`` nobody listens where the stand-in would be; with ``refused`` the stand-in does
    not let us in; with ``strange`` webhooks are verified for another account.
    """

    good: Mapping[str, str]
    unreachable: Mapping[str, str]
    refused: Mapping[str, str]
    strange: Mapping[str, str]


class PaymentMethods(Value, kw_only=True):
    """The provider's tokens, by what becomes of them.

    ``declined`` has our code for each token that is declined: one at least for insufficient funds,
    and one for no reason given. ``requires_action`` then succeeds; None if no customer of this
    provider's ever has to do anything.
    """

    succeeds: str
    declined: Mapping[str, FailureCode]
    requires_action: str | None = None


class ProviderEntry(Value):
    """Something that the provider really did. ``reference`` is ours, of the payment or refund."""

    reference: str | None
    amount: Money


class ProviderBooks(Value, kw_only=True):
    """All that the provider really did: the witness for "once", and not by way of the adapter."""

    authorizations: Sequence[ProviderEntry]
    charges: Sequence[ProviderEntry]
    refunds: Sequence[ProviderEntry]


class SentWebhook(Value):
    """A webhook as it was sent. ``headers`` have lower-case names."""

    headers: Mapping[str, str]
    body: bytes


class Harness(Protocol):
    """A provider's stand-in, or its sandbox."""

    @property
    def credentials(self) -> Credentials:
        """What to make adapters with."""
        ...

    @property
    def payment_methods(self) -> PaymentMethods:
        """What to pay with."""
        ...

    async def set_fault(self, fault: Fault | None) -> None:
        """Let ``fault`` happen from now on, or nothing any more."""
        ...

    async def complete_action(self, provider_reference: str) -> None:
        """Do what the customer has to do for a payment."""
        ...

    async def books(self) -> ProviderBooks:
        """Return all that was really done."""
        ...

    async def take_deliveries(self) -> Sequence[SentWebhook]:
        """Return the webhooks sent since the last time, once there are none left to send."""
        ...


class OpenHarness(Protocol):
    """What ``--harness`` names: starts a stand-in, and stops it at the end."""

    def __call__(self) -> AbstractAsyncContextManager[Harness]:
        """Return the harness, to be entered once for all tests."""
        ...
