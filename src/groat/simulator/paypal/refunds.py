"""Giving back what captures took: for the client, or by PayPal itself."""

from __future__ import annotations

from dataclasses import replace

from groat.kernel.money import Money
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
    """Gives back, never more than was taken."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def refund(self, capture: PayPalCapture, request: RefundCaptureBody) -> PayPalRefund:
        """Give a capture's money back, or a part of it.

        Raises:
            PayPalError: There is not so much left of it; nothing was done.
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
        """Return what was not given back yet, nor is about to be."""
        return less(capture.money, *self._given_back(capture))

    def reverse(self, capture: PayPalCapture, money: Money) -> None:
        """Take back ``money``, because the payer was right."""
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
            reversal=True,
        )
        self._keep(reversal)
        self._office.tell_refund("PAYMENT.CAPTURE.REVERSED", reversal)

    def complete(self, order_id: str) -> bool:
        """Let an order's pending refunds come through."""
        return self._settle(order_id, "COMPLETED")

    def fail(self, order_id: str) -> bool:
        """Let an order's pending refunds come to nothing, of which PayPal does not tell."""
        return self._settle(order_id, "FAILED")

    def has_pending(self, order_id: str) -> bool:
        """Tell whether refunds of an order are pending."""
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
        )
        self._settled(refund)
        return refund

    def _settle(self, order_id: str, status: RefundStatus) -> bool:
        pending = self._pending(order_id)
        for refund in pending:
            self._settled(replace(refund, status=status, updated=self._office.now()))
        return bool(pending)

    def _pending(self, order_id: str) -> list[PayPalRefund]:
        return [
            refund
            for refund in self._office.records.refunds_in(order_id)
            if refund.status == "PENDING"
        ]

    def _settled(self, refund: PayPalRefund) -> None:
        office = self._office
        self._keep(refund)
        if refund.status != "PENDING":
            office.enter(
                office.books.refunds,
                refund.id,
                refund.money,
                # A client that names both its payment and its refund names the refund last.
                (refund.custom_id or "").rpartition(".")[2] or None,
                refund.capture_id,
                done=refund.status == "COMPLETED",
            )
        if refund.status == "COMPLETED":
            office.tell_refund("PAYMENT.CAPTURE.REFUNDED", refund)

    def _keep(self, refund: PayPalRefund) -> None:
        """Keep a refund, and its capture as it is now."""
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
