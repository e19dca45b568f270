"""Refunds of captures by clients, and reversals of captures by PayPal."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from groat.kernel.money import Money
from groat.simulator.paypal.bookings import Reversal
from groat.simulator.paypal.errors import unprocessable
from groat.simulator.paypal.model import (
    TAKEN,
    CaptureStatus,
    PayPalCapture,
    PayPalRefund,
    RefundStatus,
)
from groat.simulator.paypal.office import Office, less
from groat.simulator.paypal.requests import RefundCaptureBody, money_of
from groat.simulator.references import paypal_id


class PayPalRefunds:
    """Makes refunds and reversals. Together they never exceed the captured amount."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def refund(self, capture: PayPalCapture, request: RefundCaptureBody) -> PayPalRefund:
        """Refund the unrefunded amount of a capture, or a part of it.

        Raises:
            PayPalError: The capture cannot be refunded, or the amount exceeds its unrefunded
                amount. The request had no effect.
        """
        left = self._refundable(capture)
        money = money_of(request.amount) if request.amount else left
        if money.currency != left.currency:
            raise unprocessable(
                "REFUND_CAPTURE_CURRENCY_MISMATCH",
                "Refund must be in the same currency as the capture",
            )
        if money.amount > left.amount:
            raise unprocessable(
                "REFUND_AMOUNT_EXCEEDED",
                "The refund amount must be less than or equal to the capture amount that has not"
                " yet been refunded.",
            )
        waits = self._office.order_of(capture).method.refunds_pending
        return self._make(capture, money, "PENDING" if waits else "COMPLETED", request)

    def left(self, capture: PayPalCapture) -> Money:
        """Return the captured amount minus all completed and pending refunds."""
        return less(capture.money, *self._given_back(capture))

    def reverse(
        self, capture: PayPalCapture, money: Money, code: Reversal = "T1106"
    ) -> PayPalRefund:
        """Return ``money`` to the payer, by a reversal or a chargeback."""
        now = self._office.now()
        reversal = PayPalRefund(
            paypal_id(),
            capture.id,
            now,
            now,
            money,
            "COMPLETED",
            self._office.order_of(capture).unit.custom_id,
            None,
            None,
            Money(0, money.currency),
            reversal=True,
        )
        self._keep(reversal)
        self._office.bookings.reverse(reversal, code)
        self._office.tell_refund("PAYMENT.CAPTURE.REVERSED", reversal)
        return reversal

    def made_since(self, capture: PayPalCapture, moment: datetime) -> int:
        """Return the amount that the seller has refunded since a moment."""
        return sum(
            refund.money.amount
            for refund in self._office.records.refunds_of(capture.id)
            if refund.status == "COMPLETED" and not refund.reversal and refund.created >= moment
        )

    def complete(self, order_id: str) -> bool:
        """Let an order's pending refunds succeed."""
        return self._settle(order_id, "COMPLETED")

    def fail(self, order_id: str) -> bool:
        """Let an order's pending refunds fail. PayPal sends no event for a failed refund."""
        return self._settle(order_id, "FAILED")

    def has_pending(self, order_id: str) -> bool:
        """Tell whether an order has pending refunds."""
        return bool(self._pending(order_id))

    def _make(
        self, capture: PayPalCapture, money: Money, status: RefundStatus, request: RefundCaptureBody
    ) -> PayPalRefund:
        now = self._office.now()
        refund = PayPalRefund(
            paypal_id(),
            capture.id,
            now,
            now,
            money,
            status,
            request.custom_id,
            request.invoice_id,
            request.note_to_payer,
            self._office.bookings.fee_back(capture, money),
        )
        self._record(refund)
        return refund

    def _settle(self, order_id: str, status: RefundStatus) -> bool:
        pending = self._pending(order_id)
        for refund in pending:
            self._record(replace(refund, status=status, updated=self._office.now()))
        return bool(pending)

    def _pending(self, order_id: str) -> list[PayPalRefund]:
        return [
            refund
            for refund in self._office.records.refunds_in(order_id)
            if refund.status == "PENDING"
        ]

    def _record(self, refund: PayPalRefund) -> None:
        office = self._office
        self._keep(refund)
        if refund.status != "PENDING":
            office.enter(
                office.books.refunds,
                refund.id,
                refund.money,
                # A client can put "payment.refund" here: the refund's name is the last part.
                (refund.custom_id or "").rpartition(".")[2] or None,
                refund.capture_id,
                done=refund.status == "COMPLETED",
            )
        if refund.status == "COMPLETED":
            office.bookings.refund(refund)
            office.tell_refund("PAYMENT.CAPTURE.REFUNDED", refund)

    def _keep(self, refund: PayPalRefund) -> None:
        """Store a refund, and update the status of its capture."""
        records = self._office.records
        records.refunds[refund.id] = refund
        capture = records.captures[refund.capture_id]
        left = less(capture.money, *self._given_back(capture, "COMPLETED"))
        if left != capture.money:
            status: CaptureStatus = "PARTIALLY_REFUNDED" if left.amount else "REFUNDED"
            records.captures[capture.id] = replace(
                capture, status=status, updated=self._office.now()
            )

    def _given_back(self, capture: PayPalCapture, *statuses: RefundStatus) -> list[Money]:
        counted = statuses or ("COMPLETED", "PENDING")
        return [
            refund.money
            for refund in self._office.records.refunds_of(capture.id)
            if refund.status in counted
        ]

    def _refundable(self, capture: PayPalCapture) -> Money:
        if capture.status == "PENDING":
            raise unprocessable(
                "PENDING_CAPTURE", "Cannot initiate a refund as the capture is pending."
            )
        if capture.status not in TAKEN:
            raise unprocessable("REFUND_NOT_ALLOWED", "Capture cannot be refunded.")
        left = self.left(capture)
        if not left.amount:
            raise unprocessable(
                "CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded"
            )
        return left
