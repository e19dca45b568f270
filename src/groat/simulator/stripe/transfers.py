"""Transfers to connected accounts, and their reversals. Source: Stripe, "Connect"."""

from __future__ import annotations

from dataclasses import replace

from groat.simulator.references import stripe_id
from groat.simulator.stripe import balance_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance import BalanceChange
from groat.simulator.stripe.balance_model import ConnectedAccount, StripeTransfer, TransferReversal
from groat.simulator.stripe.balance_requests import (
    ConnectedAccountRequest,
    ReversalRequest,
    TransferRequest,
)
from groat.simulator.stripe.errors import refusal
from groat.simulator.stripe.metadata import changed_metadata
from groat.simulator.stripe.model import EventCause


class StripeTransfers:
    """Adds connected accounts, makes transfers to them, and takes transfers back."""

    def __init__(self, account: StripeAccount) -> None:
        self.connected: dict[str, ConnectedAccount] = {}
        self._account = account

    def connect(self, request: ConnectedAccountRequest) -> ConnectedAccount:
        """Add a connected account."""
        connected = ConnectedAccount(
            stripe_id("acct"), self._account.now(), request.type, request.email, request.metadata
        )
        self.connected[connected.id] = connected
        return connected

    def describe_account(
        self, connected: ConnectedAccount, request: ConnectedAccountRequest, cause: EventCause
    ) -> ConnectedAccount:
        """BalanceChange values of a connected account's metadata."""
        metadata = changed_metadata(connected.metadata, request.metadata)
        changed = replace(connected, metadata=metadata)
        self.connected[connected.id] = changed
        self._account.tell("account.updated", balance_objects.connected_account(changed), cause)
        return changed

    def create(self, request: TransferRequest, cause: EventCause) -> StripeTransfer:
        """Transfer an available amount to a connected account.

        Raises:
            StripeError: The available balance is too low.
        """
        balance = self._account.balance
        if request.amount > balance.available().get(request.currency, 0):
            raise refusal("You have insufficient available funds.", code="balance_insufficient")
        transfer_id = stripe_id("tr")
        change = BalanceChange(
            "transfer", "transfer", -request.amount, request.currency, transfer_id
        )
        transfer = StripeTransfer(
            transfer_id,
            self._account.now(),
            request.amount,
            request.currency,
            request.destination,
            request.description,
            request.metadata,
            balance.book(change).id,
            request.transfer_group,
        )
        self._account.transfers[transfer_id] = transfer
        self._tell("created", transfer, cause)
        return transfer

    def reverse(
        self, transfer: StripeTransfer, request: ReversalRequest, cause: EventCause
    ) -> TransferReversal:
        """Take a transfer back, or a part of it.

        Raises:
            StripeError: Less than the amount is left of the transfer.
        """
        left = transfer.amount - transfer.amount_reversed
        amount = request.amount or left
        if not 0 < amount <= left:
            raise refusal(f"Reversal amount is greater than unreversed amount ({left}).")
        reversal_id = stripe_id("trr")
        change = BalanceChange(
            "transfer_refund", "transfer_reversal", amount, transfer.currency, transfer.id
        )
        reversal = TransferReversal(
            reversal_id,
            transfer.id,
            self._account.now(),
            amount,
            transfer.currency,
            self._account.balance.book(change).id,
            request.metadata,
        )
        transfer.reversals.append(reversal)
        self._tell("reversed", transfer, cause)
        return reversal

    def describe(
        self, transfer: StripeTransfer, metadata: dict[str, str], cause: EventCause
    ) -> None:
        """Replace values of a transfer's metadata."""
        transfer.metadata = changed_metadata(transfer.metadata, metadata)
        self._tell("updated", transfer, cause)

    def _tell(self, happened: str, transfer: StripeTransfer, cause: EventCause) -> None:
        self._account.tell(f"transfer.{happened}", balance_objects.transfer(transfer), cause)
