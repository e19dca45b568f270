"""Authorizations and captures of orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from groat.kernel.money import Money
from groat.simulator.paypal.disputes import PayPalDisputes
from groat.simulator.paypal.errors import unprocessable
from groat.simulator.paypal.model import (
    AuthorizationStatus,
    CaptureStatus,
    PayPalAuthorization,
    PayPalCapture,
    PayPalOrder,
)
from groat.simulator.paypal.office import Office, less
from groat.simulator.paypal.requests import CaptureAuthorizationBody, ReauthorizeBody, money_of
from groat.simulator.paypal.vault import APPROVED
from groat.simulator.references import paypal_id

AUTHORIZED_FOR = timedelta(days=29)
"""Time that an authorization lasts. Source: PayPal, "Authorization and capture"."""

_MORE_WHEN_REAUTHORIZED = 7500
"""Minor units by which a reauthorization may exceed the authorization."""

_EVENTS: dict[CaptureStatus, str] = {
    "COMPLETED": "PAYMENT.CAPTURE.COMPLETED",
    "DECLINED": "PAYMENT.CAPTURE.DECLINED",
    "PENDING": "PAYMENT.CAPTURE.PENDING",
}


class PayPalPayments:
    """Authorizes, captures and voids an order's money, after the payer's approval."""

    def __init__(self, office: Office, disputes: PayPalDisputes) -> None:
        self._office = office
        self._disputes = disputes

    def authorize(self, order: PayPalOrder) -> PayPalAuthorization:
        """Authorize an order's amount, or record that it is denied."""
        now, code = self._office.now(), order.method.response_code
        authorization = PayPalAuthorization(
            paypal_id(),
            order.id,
            now,
            now,
            now + AUTHORIZED_FOR,
            order.money,
            "CREATED" if code == APPROVED else "DENIED",
            code,
        )
        self._keep(authorization)
        reserved, reference = code == APPROVED, order.unit.custom_id
        books = self._office.books
        self._office.enter(
            books.authorizations, authorization.id, order.money, reference, done=reserved
        )
        if reserved:
            self._office.tell_authorization("PAYMENT.AUTHORIZATION.CREATED", authorization)
        return authorization

    def take(self, order: PayPalOrder) -> PayPalCapture:
        """Capture an order's amount at once, or record that it is declined."""
        return self._capture(
            order, None, order.money, order.method.response_code, order.unit.invoice_id, final=True
        )

    def capture(
        self, authorization: PayPalAuthorization, request: CaptureAuthorizationBody
    ) -> PayPalCapture:
        """Capture the authorized amount, or a part of it.

        Raises:
            PayPalError: The amount exceeds the uncaptured amount, or the authorization cannot be
                captured any more. The request had no effect.
        """
        order = self._office.order_of(authorization)
        self._require_capturable(authorization)
        left = less(authorization.money, *self._taken_of(authorization))
        money = money_of(request.amount) if request.amount else left
        if money.currency != left.currency:
            raise unprocessable(
                "AUTH_CAPTURE_CURRENCY_MISMATCH",
                "Currency of capture must be the same as currency of authorization.",
            )
        if money.amount > left.amount:
            raise unprocessable(
                "MAX_CAPTURE_AMOUNT_EXCEEDED", "Capture amount exceeds allowable limit."
            )
        final, code = request.final_capture, order.method.capture_code
        invoice_id = request.invoice_id or order.unit.invoice_id
        capture = self._capture(order, authorization.id, money, code, invoice_id, final=final)
        if capture.status != "DECLINED":
            ended = final or money == left
            status: AuthorizationStatus = "CAPTURED" if ended else "PARTIALLY_CAPTURED"
            self._keep(replace(authorization, status=status, updated=self._office.now()))
        return capture

    def reauthorize(
        self, authorization: PayPalAuthorization, request: ReauthorizeBody
    ) -> PayPalAuthorization:
        """Make a new authorization of the same order. The old one cannot be captured any more.

        Raises:
            PayPalError: The authorization is captured or voided, the honor period of the last one
                is not over, or the amount exceeds 115 % and 75 units more than the old one.
        """
        now, days = self._office.now(), self._office.settings().honor_days
        self._require_capturable(authorization)
        if now < authorization.created + timedelta(days=days):
            raise unprocessable(
                "REAUTHORIZATION_TOO_SOON", "A reauthorization is only allowed from day 4 to 29."
            )
        money = money_of(request.amount) if request.amount else authorization.money
        most = authorization.money.amount
        most = max(most * 115 // 100, most + _MORE_WHEN_REAUTHORIZED)
        if money.currency != authorization.money.currency or money.amount > most:
            raise unprocessable(
                "AUTHORIZATION_AMOUNT_LIMIT_EXCEEDED", "Authorization amount exceeds the limit."
            )
        self._keep(replace(authorization, status="VOIDED", updated=now))
        renewed = replace(
            authorization, id=paypal_id(), created=now, updated=now, money=money, status="CREATED"
        )
        self._keep(renewed)
        office, order = self._office, self._office.order_of(renewed)
        office.enter(
            office.books.authorizations, renewed.id, money, order.unit.custom_id, done=True
        )
        office.tell_authorization("PAYMENT.AUTHORIZATION.CREATED", renewed)
        return renewed

    def void(self, authorization: PayPalAuthorization) -> PayPalAuthorization:
        """Void the uncaptured amount of an authorization.

        Raises:
            PayPalError: The authorization is captured, voided or denied.
        """
        match authorization.status:
            case "CREATED" | "PARTIALLY_CAPTURED":
                return self._void(authorization)
            case "CAPTURED":
                raise unprocessable(
                    "PREVIOUSLY_CAPTURED",
                    "Authorization has been previously captured and hence cannot be voided.",
                )
            case "VOIDED":
                raise unprocessable(
                    "PREVIOUSLY_VOIDED",
                    "Authorization has been previously voided and hence cannot be voided again.",
                )
            case "DENIED":
                raise unprocessable("CANNOT_BE_VOIDED", "The authorization cannot be voided.")

    def expire(self, order_id: str) -> bool:
        """Expire an order's authorization, as if its time were over."""
        lasting = self._lasting(order_id)
        for authorization in lasting:
            self._void(replace(authorization, expires=self._office.now()))
        return bool(lasting)

    def can_expire(self, order_id: str) -> bool:
        """Tell whether an order has an authorization that can still be captured."""
        return bool(self._lasting(order_id))

    def has_pending(self, order_id: str) -> bool:
        """Tell whether an order has pending captures."""
        return bool(self._pending(order_id))

    def complete_captures(self, order_id: str) -> bool:
        """Let an order's pending captures succeed."""
        return self._settle(order_id, "COMPLETED", "PAYMENT.CAPTURE.COMPLETED")

    def deny_captures(self, order_id: str) -> bool:
        """Let an order's pending captures fail."""
        return self._settle(order_id, "DECLINED", "PAYMENT.CAPTURE.DENIED")

    def _capture(
        self,
        order: PayPalOrder,
        authorization_id: str | None,
        money: Money,
        code: str,
        invoice_id: str | None,
        *,
        final: bool,
    ) -> PayPalCapture:
        status: CaptureStatus = "COMPLETED" if code == APPROVED else "DECLINED"
        if order.method.pending and status == "COMPLETED":
            status = "PENDING"
        now = self._office.now()
        capture = PayPalCapture(
            paypal_id(),
            order.id,
            authorization_id,
            now,
            now,
            money,
            status,
            code,
            final,
            invoice_id,
        )
        self._record(capture, _EVENTS[status])
        return capture

    def _settle(self, order_id: str, status: CaptureStatus, event_type: str) -> bool:
        pending = self._pending(order_id)
        for capture in pending:
            self._record(replace(capture, status=status, updated=self._office.now()), event_type)
        return bool(pending)

    def _lasting(self, order_id: str) -> list[PayPalAuthorization]:
        return [
            authorization
            for authorization in self._office.records.authorizations_of(order_id)
            if authorization.status in {"CREATED", "PARTIALLY_CAPTURED"}
        ]

    def _pending(self, order_id: str) -> list[PayPalCapture]:
        return [
            capture
            for capture in self._office.records.captures_of(order_id)
            if capture.status == "PENDING"
        ]

    def _record(self, capture: PayPalCapture, event_type: str) -> None:
        """Store a capture and send its event. Enter it in the books once it is not pending."""
        office = self._office
        order = office.order_of(capture)
        office.records.captures[capture.id] = capture
        if capture.status != "PENDING":
            office.enter(
                office.books.charges,
                capture.id,
                capture.money,
                order.unit.custom_id,
                capture.authorization_id,
                done=capture.status == "COMPLETED",
            )
        office.bookings.capture(capture)
        office.tell_capture(event_type, capture)
        if capture.status == "COMPLETED" and order.method.disputed:
            self._disputes.open(order.id)

    def _taken_of(self, authorization: PayPalAuthorization) -> list[Money]:
        return [
            capture.money
            for capture in self._office.records.captures_of(authorization.order_id)
            if capture.status != "DECLINED"
        ]

    def _void(self, authorization: PayPalAuthorization) -> PayPalAuthorization:
        voided = replace(authorization, status="VOIDED", updated=self._office.now())
        self._keep(voided)
        self._office.tell_authorization("PAYMENT.AUTHORIZATION.VOIDED", voided)
        return voided

    def _keep(self, authorization: PayPalAuthorization) -> None:
        self._office.records.authorizations[authorization.id] = authorization

    def _require_capturable(self, authorization: PayPalAuthorization) -> None:
        match authorization.status:
            case "CREATED" | "PARTIALLY_CAPTURED":
                return
            case "CAPTURED":
                raise unprocessable(
                    "AUTHORIZATION_ALREADY_CAPTURED", "Authorization has previously been captured."
                )
            case "DENIED":
                raise unprocessable(
                    "AUTHORIZATION_DENIED", "An denied authorization cannot be captured."
                )
            case "VOIDED" if authorization.expires <= self._office.now():
                raise unprocessable(
                    "AUTHORIZATION_EXPIRED", "An expired authorization cannot be captured."
                )
            case "VOIDED":
                raise unprocessable(
                    "AUTHORIZATION_VOIDED",
                    "A voided authorization cannot be captured or reauthorized.",
                )
