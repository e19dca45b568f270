"""The rows of captures, refunds, reversals and disputes."""

from __future__ import annotations

from typing import Literal, TypeAlias

from groat.kernel.money import Money
from groat.simulator.paypal.fees import exchanged, fee_on, negative, share_of_fee
from groat.simulator.paypal.model import PayPalCapture, PayPalDispute, PayPalRefund, Records
from groat.simulator.paypal.rows import RowStatus, Statement
from groat.simulator.references import paypal_id

CHECKOUT = "T0006"
CONVERSION = "T0200"
REFUND = "T1107"
CHARGEBACK_REVERSED = "T1202"
HOLD = "T1110"
HOLD_CANCELED = "T1111"

Reversal: TypeAlias = Literal["T1106", "T1201"]
"""A reversal by PayPal, after a complaint or a bank's return; or a card's chargeback."""

FeeCode: TypeAlias = Literal["T0106", "T0107", "T0114", "T0116"]

_ROW_STATUS: dict[str, RowStatus] = {"PENDING": "P", "COMPLETED": "S", "DECLINED": "D"}


class Bookings:
    """Books the rows of payments, and of the objects that belong to them."""

    def __init__(self, records: Records, statement: Statement) -> None:
        self._records = records
        self._statement = statement

    def capture(self, capture: PayPalCapture) -> None:
        """Book a capture, or the new status of a pending one. A declined capture has no row."""
        known = self._statement.find(capture.id, CHECKOUT)
        status = _ROW_STATUS[capture.status]
        if known is not None:
            self._statement.change(known, status)
        elif status != "D":
            order = self._records.orders[capture.order_id]
            self._statement.book(
                capture.id,
                CHECKOUT,
                capture.money,
                negative(fee_on(capture.money)),
                status=status,
                reference=(order.id, "ODR"),
                invoice_id=capture.invoice_id,
                custom_field=order.unit.custom_id,
            )
        if status == "S":
            self._convert(capture.id, capture.money, fee_on(capture.money))

    def refund(self, refund: PayPalRefund) -> None:
        """Book a completed refund. The row tells whether its fee comes back."""
        capture = self._records.captures[refund.capture_id]
        self._statement.book(
            refund.id,
            REFUND,
            negative(refund.money),
            refund.fee_back if refund.fee_back.amount else None,
            reference=(capture.id, "TXN"),
            invoice_id=refund.invoice_id,
            custom_field=refund.custom_id,
        )

    def fee_back(self, capture: PayPalCapture, money: Money) -> Money:
        """Return the part of the capture's fee that comes back with a refund of ``money``."""
        if not self._statement.settings.chosen.returns_fees:
            return Money(0, money.currency)
        return share_of_fee(capture.money, money)

    def reverse(self, reversal: PayPalRefund, code: Reversal) -> None:
        """Book a reversal or a chargeback. The row of the capture becomes ``V`` and stands."""
        capture = self._statement.find(reversal.capture_id, CHECKOUT)
        if capture is not None:
            self._statement.change(capture, "V")
        self._statement.book(
            reversal.id,
            code,
            negative(reversal.money),
            reference=(reversal.capture_id, "TXN"),
        )

    def return_chargeback(self, capture_id: str, money: Money) -> None:
        """Book the return of a chargeback that the seller won."""
        self._statement.book(paypal_id(), CHARGEBACK_REVERSED, money, reference=(capture_id, "TXN"))

    def charge_fee(self, capture_id: str, code: FeeCode, fee: Money) -> None:
        """Book a fee of its own, such as a chargeback's. Its amount is the fee."""
        self._statement.book(paypal_id(), code, negative(fee), reference=(capture_id, "TXN"))

    def hold(self, dispute: PayPalDispute) -> None:
        """Hold the disputed amounts back, if the account's settings say so."""
        if not self._statement.settings.chosen.holds_disputes:
            return
        for part in dispute.disputed:
            self._statement.book(
                paypal_id(), HOLD, negative(part.money), reference=(part.capture_id, "TXN")
            )

    def release(self, dispute: PayPalDispute) -> None:
        """Give the held amounts of a dispute free."""
        for part in dispute.disputed:
            held = sum(
                row.gross.amount
                for row in self._statement.rows
                if row.reference_id == part.capture_id and row.event_code in {HOLD, HOLD_CANCELED}
            )
            if held:
                self._statement.book(
                    paypal_id(),
                    HOLD_CANCELED,
                    Money(-held, part.money.currency),
                    reference=(part.capture_id, "TXN"),
                )

    def _convert(self, capture_id: str, money: Money, fee: Money) -> None:
        """Convert a payment in another currency: one row leaves, the other comes in."""
        conversion = self._statement.settings.chosen.conversions.get(money.currency)
        if conversion is None:
            return
        net = Money(money.amount - fee.amount, money.currency)
        gained = exchanged(net, conversion.rate, conversion.currency)
        pair = paypal_id()
        for part in (negative(net), gained):
            self._statement.book(pair, CONVERSION, part, reference=(capture_id, "TXN"))
