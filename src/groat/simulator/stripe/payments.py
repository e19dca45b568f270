"""The lifecycle of payment intents. Source: Stripe, "How PaymentIntents work"."""

from __future__ import annotations

from dataclasses import fields, replace

from groat.simulator.books import BookEntry, Status
from groat.simulator.references import secret_text, stripe_id
from groat.simulator.stripe import payment_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.cards import DEBIT_FAILED, Decline
from groat.simulator.stripe.charge_money import ChargeMoney
from groat.simulator.stripe.disputes import StripeDisputes
from groat.simulator.stripe.errors import KeptRefusal, invalid_request, refusal
from groat.simulator.stripe.metadata import changed_metadata
from groat.simulator.stripe.model import (
    NOBODY,
    EventCause,
    Intent,
    IntentExtras,
    Method,
    StripeCharge,
)
from groat.simulator.stripe.requests import (
    ConfirmRequest,
    PaymentIntentRequest,
    UpdateIntentRequest,
)
from groat.simulator.stripe.wallet import Wallet

CAPTURE_SECONDS_MAX = 7 * 24 * 3600
"""Seconds that an authorization lasts, as with most cards."""

_CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
)
_STATUS = "because it has a status of {}. Only a PaymentIntent with one of the following statuses"
_CAPTURED = "This PaymentIntent could not be captured because it has already been captured."
_NOT_CAPTURED = f"This PaymentIntent could not be captured {_STATUS} may be captured: {{}}."
_NOT_CANCELED = f"You cannot cancel this PaymentIntent {_STATUS} may be canceled: {{}}."
_NOT_CONFIRMED = f"You cannot confirm this PaymentIntent {_STATUS} may be confirmed: {{}}."
_NO_METHOD = "You cannot confirm this PaymentIntent because it's missing a payment method."
_TOO_MUCH = (
    "The payment could not be captured because the requested capture amount is greater than the"
    " amount you can capture for this charge."
)
_NOT_UPDATED = "This PaymentIntent's parameters cannot be changed in status {}."
_EXTRAS = frozenset(one.name for one in fields(IntentExtras))
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation")
_UPDATABLE = (*_CONFIRMABLE, "requires_action")


class StripePayments:
    """Creates, confirms, captures and cancels intents, and sends their events."""

    def __init__(self, account: StripeAccount, disputes: StripeDisputes, wallet: Wallet) -> None:
        self._account = account
        self._disputes = disputes
        self._wallet = wallet
        self._money = ChargeMoney(account)

    def create(self, request: PaymentIntentRequest, cause: EventCause) -> Intent:
        """Create an intent, and confirm it if the request says so.

        Raises:
            StripeError: There is no such payment method, or the return URL is missing or not
                allowed. No intent was created.
        """
        method = self._wallet.use(request.payment_method) if request.payment_method else None
        _check_confirmation(request)
        intent = _new_intent(request, self._account.now())
        self._account.intents[intent.id] = intent
        if method and request.confirm == "false":
            intent.method, intent.status = method, "requires_confirmation"
        self._account.tell_of_intent("created", intent, cause)
        if method and request.confirm == "true":
            self._attempt(intent, method, cause)
        return intent

    def update(self, intent: Intent, request: UpdateIntentRequest) -> None:
        """BalanceChange the parameters of an intent that the request names.

        Raises:
            StripeError: The intent is charged, and the request changes its money.
        """
        given = request.model_fields_set
        if given & {"amount", "currency", "payment_method"} and intent.status not in _UPDATABLE:
            raise _unexpected(intent, _NOT_UPDATED)
        method = self._wallet.use(request.payment_method) if request.payment_method else None
        if method is not None:
            intent.method, intent.status = method, "requires_confirmation"
        intent.amount = request.amount or intent.amount
        intent.currency = request.currency or intent.currency
        intent.description = request.description or intent.description
        intent.metadata = changed_metadata(intent.metadata, request.metadata)
        extras = {name: getattr(request, name) for name in given & _EXTRAS}
        intent.extras = replace(intent.extras, **extras)

    def confirm(self, intent: Intent, request: ConfirmRequest, cause: EventCause) -> None:
        """Charge an intent, or require an authentication of its customer.

        Raises:
            StripeError: The intent's status does not allow it, or there is no such payment method.
        """
        if intent.status not in _CONFIRMABLE:
            raise _unexpected(intent, _NOT_CONFIRMED, *_CONFIRMABLE)
        named = request.payment_method
        method = self._wallet.use(named) if named else intent.method
        if method is None:
            raise _unexpected(intent, _NO_METHOD)
        intent.return_url = request.return_url or intent.return_url
        self._attempt(intent, method, cause)

    def capture(self, intent: Intent, amount: int | None, cause: EventCause) -> None:
        """Capture the authorized amount, or ``amount`` of it. The rest is released.

        Raises:
            StripeError: No amount is authorized, or less than ``amount``.
        """
        charge = intent.charge
        if intent.status == "succeeded":
            raise _unexpected(intent, _CAPTURED)
        if not intent.authorized or charge is None:
            raise _unexpected(intent, _NOT_CAPTURED, "requires_capture")
        if amount is not None and amount > intent.amount:
            raise _refusal(intent, _TOO_MUCH, "amount_too_large")
        self._take(charge, amount or intent.amount, authorization=intent.id)
        self._account.tell_of_charge("captured", charge, cause)
        self._succeed(charge, cause)

    def cancel(self, intent: Intent, reason: str | None, cause: EventCause) -> None:
        """Cancel an intent and release its authorization.

        Raises:
            StripeError: The intent's status does not allow it any more.
        """
        if intent.status not in _CANCELABLE:
            raise _unexpected(intent, _NOT_CANCELED, *_CANCELABLE)
        self._end(intent, reason, cause)

    def expire(self, intent: Intent) -> bool:
        """Expire the authorization of an intent. Return False if it has none."""
        if not intent.authorized or intent.charge is None:
            return False
        self._account.tell_of_charge("expired", intent.charge, NOBODY)
        self._end(intent, "expired", NOBODY)
        return True

    def complete_action(self, intent: Intent) -> bool:
        """Let the customer pass the required authentication. Return False if none is required."""
        if not intent.awaits_customer or intent.method is None:
            return False
        self._charge(intent, intent.method, NOBODY)
        return True

    def fail_action(self, intent: Intent) -> bool:
        """Let the customer fail the required authentication. Return False if none is required."""
        if not intent.awaits_customer or intent.method is None:
            return False
        intent.error = payment_objects.authentication_error(intent.method)
        self._lose_method(intent)
        self._account.tell_of_intent("payment_failed", intent, NOBODY)
        return True

    def settle_debit(self, intent: Intent) -> bool:
        """Let a bank debit succeed, which takes days at Stripe. Return False if there is none."""
        charge = intent.charge
        if not intent.is_debited or charge is None:
            return False
        charge.pending = False
        self._collect(charge, intent.amount, authorization=None)
        self._account.tell_of_charge("succeeded", charge, NOBODY)
        self._succeed(charge, NOBODY)
        return True

    def fail_debit(self, intent: Intent) -> bool:
        """Let the customer's bank refuse a pending debit. Return False if there is none."""
        if not intent.is_debited or intent.charge is None:
            return False
        intent.charge.pending = False
        self._money.fail(intent.charge, "payment_failure_refund", gives_fee_back=True)
        self._decline(intent.charge, DEBIT_FAILED, NOBODY)
        return True

    def return_debit(self, intent: Intent) -> bool:
        """Let the bank return a debit that had succeeded. Return False if there is none."""
        charge = intent.charge
        if not self.is_returnable(intent) or charge is None:
            return False
        self._money.fail(charge, "payment_reversal", gives_fee_back=False)
        charge.captured, charge.amount_captured = False, 0
        self._decline(charge, DEBIT_FAILED, NOBODY)
        return True

    @staticmethod
    def is_returnable(intent: Intent) -> bool:
        """Tell whether an intent was paid by a debit that the bank can still return."""
        charge = intent.charge
        return charge is not None and charge.card.debit and charge.captured

    def awaits_movement(self, intent: Intent) -> bool:
        """Tell whether an intent was paid and the movement of its charge is not booked yet."""
        charge = intent.charge
        return charge is not None and charge.captured and charge.balance_transaction is None

    def book_movement(self, intent: Intent) -> bool:
        """Book the late movement of a charge. Return False if it is booked already.

        ``charge.updated`` reports it, unless the account is silent.
        """
        if not self.awaits_movement(intent) or intent.charge is None:
            return False
        self._money.book(intent.charge)
        previous = {"balance_transaction": None}
        self._account.tell_of_charge("updated", intent.charge, NOBODY, previous)
        return True

    def _attempt(self, intent: Intent, method: Method, cause: EventCause) -> None:
        intent.method, intent.error = method, None
        if not method.card.authenticates:
            self._charge(intent, method, cause)
            return
        intent.status = "requires_action"
        intent.next_action = payment_objects.next_action(intent, cause.host)
        self._account.tell_of_intent("requires_action", intent, cause)

    def _charge(self, intent: Intent, method: Method, cause: EventCause) -> None:
        charge = self._new_charge(intent, method)
        intent.next_action = None
        if method.card.decline is not None:
            self._decline(charge, method.card.decline, cause)
        elif method.card.debit:
            intent.status, charge.pending = "processing", True
            self._money.book(charge)
            self._account.tell_of_charge("pending", charge, cause)
            self._account.tell_of_intent("processing", intent, cause)
        elif intent.capture_method == "manual":
            self._authorize(charge, cause)
        else:
            self._take(charge, intent.amount, authorization=None)
            self._account.tell_of_charge("succeeded", charge, cause)
            self._succeed(charge, cause)

    def _new_charge(self, intent: Intent, method: Method) -> StripeCharge:
        now = self._account.now()
        until = now + CAPTURE_SECONDS_MAX if intent.capture_method == "manual" else None
        charge = StripeCharge(stripe_id("ch"), intent, now, method, until)
        self._account.charges[charge.id] = charge
        intent.charge = charge
        return charge

    def _decline(self, charge: StripeCharge, decline: Decline, cause: EventCause) -> None:
        intent = charge.intent
        charge.decline = decline
        intent.error = payment_objects.decline_error(charge, decline)
        self._lose_method(intent)
        self._enter_attempt(charge, "declined")
        self._account.tell_of_charge("failed", charge, cause)
        self._account.tell_of_intent("payment_failed", intent, cause)

    def _authorize(self, charge: StripeCharge, cause: EventCause) -> None:
        charge.intent.status = "requires_capture"
        self._enter_attempt(charge, "succeeded")
        self._account.tell_of_charge("succeeded", charge, cause)
        self._account.tell_of_intent("amount_capturable_updated", charge.intent, cause)

    def _take(self, charge: StripeCharge, amount: int, authorization: str | None) -> None:
        """Capture an amount of a charge, and book its movement at once or later."""
        self._collect(charge, amount, authorization)
        if self._is_late(charge):
            self._account.later(lambda: self.book_movement(charge.intent))
        else:
            self._money.book(charge)

    def _is_late(self, charge: StripeCharge) -> bool:
        asynchronous = charge.intent.capture_method == "automatic_async"
        late = self._account.courier.faults.is_late() or asynchronous
        return late and not charge.card.instant

    def _collect(self, charge: StripeCharge, amount: int, authorization: str | None) -> None:
        intent, books = charge.intent, self._account.books
        charge.captured, charge.amount_captured = True, amount
        intent.status = "succeeded"
        money = intent.money(amount)
        books.charges.append(
            BookEntry(charge.id, money, intent.reference, "succeeded", authorization)
        )

    def _succeed(self, charge: StripeCharge, cause: EventCause) -> None:
        self._account.tell_of_intent("succeeded", charge.intent, cause)
        match charge.card.disputed:
            case "dispute":
                self._disputes.open(charge)
            case "inquiry":
                self._disputes.inquire(charge)
            case "never":
                pass

    def _end(self, intent: Intent, reason: str | None, cause: EventCause) -> None:
        intent.status, intent.next_action = "canceled", None
        intent.canceled_at, intent.cancellation_reason = self._account.now(), reason
        self._account.tell_of_intent("canceled", intent, cause)

    def _enter_attempt(self, charge: StripeCharge, status: Status) -> None:
        """Add an authorization or a charge to the books.

        An authorization has the id of its intent, because clients capture the intent.
        """
        intent, books = charge.intent, self._account.books
        manual = intent.capture_method == "manual"
        money = intent.money(intent.amount)
        entry = BookEntry(intent.id if manual else charge.id, money, intent.reference, status)
        (books.authorizations if manual else books.charges).append(entry)

    @staticmethod
    def _lose_method(intent: Intent) -> None:
        intent.status, intent.next_action = "requires_payment_method", None
        intent.method = None


def _check_confirmation(request: PaymentIntentRequest) -> None:
    methods = request.automatic_payment_methods
    if request.confirm == "false":
        if request.return_url:
            message = "You can only send a return_url if you confirm the intent as well."
            raise invalid_request(message, param="return_url")
        return
    if not request.payment_method:
        raise invalid_request(
            "It's missing a payment method.", param="payment_method", code="parameter_missing"
        )
    if methods and methods.allow_redirects == "always" and not request.return_url:
        message = "Some of these methods may redirect your customer: you must provide a return_url."
        raise invalid_request(message, param="return_url")


def _new_intent(request: PaymentIntentRequest, now: int) -> Intent:
    intent_id = stripe_id("pi")
    methods = request.automatic_payment_methods
    return Intent(
        id=intent_id,
        client_secret=f"{intent_id}_secret_{secret_text(25)}",
        created=now,
        amount=request.amount,
        currency=request.currency,
        capture_method=request.capture_method,
        allow_redirects=methods.allow_redirects if methods else None,
        payment_method_types=request.payment_method_types,
        description=request.description,
        metadata=request.metadata,
        return_url=request.return_url,
        extras=IntentExtras(**{name: getattr(request, name) for name in _EXTRAS}),
    )


def _unexpected(intent: Intent, message: str, *expected: str) -> KeptRefusal:
    text = message.format(intent.status, ", ".join(expected))
    return _refusal(intent, text, "payment_intent_unexpected_state")


def _refusal(intent: Intent, message: str, code: str) -> KeptRefusal:
    return refusal(message, code=code, payment_intent=payment_objects.payment_intent(intent))
