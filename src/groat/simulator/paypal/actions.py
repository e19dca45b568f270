"""Actions of the back office: changes of the account that have parameters of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args

from pydantic import Field

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import Money
from groat.simulator.back_office import ImpossibleError, Instruction, OfficeAction
from groat.simulator.paypal import objects
from groat.simulator.paypal.account import PayPalAccount
from groat.simulator.paypal.bookings import FeeCode, Reversal
from groat.simulator.paypal.errors import PayPalError
from groat.simulator.paypal.fees import exchanged, negative
from groat.simulator.paypal.model import TAKEN, DisputedCapture, DisputeOutcome, PayPalCapture
from groat.simulator.paypal.requests import AmountBody, RefundCaptureBody
from groat.simulator.paypal.rows import PayPalRow, ReferenceType, RowStatus
from groat.simulator.paypal.settings import CurrencyCode
from groat.simulator.references import paypal_id
from groat.simulator.wire import JsonObject

Told = TypeVar("Told", bound=Instruction)
EventCode = Annotated[str, Field(pattern=r"^T[0-9]{4}$")]
WithdrawalCode: TypeAlias = Literal["T0400", "T0401", "T0403"]
Minor = Annotated[int, Field(ge=1)]


class BookRowsInstruction(Instruction):
    """Rows to book, which no event reports. ``copies`` of them are equal in every column.

    Amounts are in minor units. What leaves the balance is negative, also in ``fee``.
    """

    event_code: EventCode
    amount: int
    currency: CurrencyCode
    fee: int | None = None
    transaction_id: str | None = None
    reference_id: str | None = None
    reference_type: ReferenceType = "TXN"
    status: RowStatus = "S"
    copies: Annotated[int, Field(ge=1, le=1000)] = 1
    age_seconds: Annotated[int, Field(ge=0, le=90 * 86_400)] = 0
    """Seconds between the initiation and now."""


class CorrectInstruction(Instruction):
    """The new amounts of a row, which PayPal shows instead of the old ones."""

    transaction_id: str
    event_code: EventCode
    amount: int
    fee: int | None = None


class WithdrawInstruction(Instruction):
    """A withdrawal to the bank: by default a sweep of all that is available."""

    currency: CurrencyCode
    amount: Minor | None = None
    event_code: WithdrawalCode = "T0401"


class ReturnInstruction(Instruction):
    """The transaction id of the withdrawal that the bank returns."""

    id: str


class ConvertInstruction(Instruction):
    """A conversion of money of the balance. ``T0202`` covers a negative balance."""

    currency: CurrencyCode
    amount: Minor
    into: CurrencyCode
    rate: Annotated[Decimal, Field(gt=0)]
    event_code: Literal["T0200", "T0201", "T0202"] = "T0201"


class PagesRefundInstruction(Instruction):
    """A refund that somebody makes on PayPal's pages, of an order's capture."""

    id: str
    amount: Minor | None = None


class ReverseInstruction(Instruction):
    """A reversal without a dispute, of an order's capture: by default of all that is left."""

    id: str
    amount: Minor | None = None
    event_code: Reversal = "T1106"


class DisputeInstruction(Instruction):
    """A dispute of the captures of one or more orders, or a chargeback, which takes at once."""

    ids: Annotated[list[str], Field(min_length=1)]
    amount: Minor | None = None
    """Disputed amount of each capture, by default all of it."""
    chargeback: bool = False


class DecideInstruction(Instruction):
    """The decision of an order's dispute, and the fee that it costs, if any."""

    id: str
    outcome: DisputeOutcome
    fee: Minor | None = None
    fee_code: FeeCode = "T0114"


class PayPalActions:
    """Performs the actions."""

    def __init__(self, account: PayPalAccount) -> None:
        self._account = account
        self._statement = account.statement
        self._records = account.records

    def table(self) -> Mapping[str, OfficeAction[Any]]:
        """Return the actions by name."""
        return {
            "book": self._action(BookRowsInstruction, self._book),
            "correct": self._action(CorrectInstruction, self._correct),
            "withdraw": self._action(WithdrawInstruction, self._withdraw),
            "withdrawal_fails": self._action(ReturnInstruction, self._return),
            "convert": self._action(ConvertInstruction, self._convert),
            "refund": self._action(PagesRefundInstruction, self._refund),
            "reverse": self._action(ReverseInstruction, self._reverse),
            "dispute": self._action(DisputeInstruction, self._dispute),
            "decide_dispute": self._action(DecideInstruction, self._decide),
        }

    def _action(
        self, wanted: type[Told], perform: Callable[[Told], JsonObject]
    ) -> OfficeAction[Told]:
        """Return an action that sends its events only if the instruction says so."""

        def silently(instruction: Told) -> JsonObject:
            with self._account.post.silence(unless=instruction.tell):
                try:
                    return perform(instruction)
                except (PayPalError, InvalidRequest) as refusal:
                    raise ImpossibleError(str(refusal)) from None

        return OfficeAction(wanted, silently)

    def _book(self, wanted: BookRowsInstruction) -> JsonObject:
        money, fee = _amounts(wanted.amount, wanted.fee, wanted.currency)
        transaction_id = wanted.transaction_id or paypal_id()
        reference = (wanted.reference_id, wanted.reference_type) if wanted.reference_id else None
        initiated = self._account.now() - timedelta(seconds=wanted.age_seconds)
        for _ in range(wanted.copies):
            self._statement.book(
                transaction_id,
                wanted.event_code,
                money,
                fee,
                status=wanted.status,
                reference=reference,
                initiated=initiated,
            )
        return {"transaction_id": transaction_id}

    def _correct(self, wanted: CorrectInstruction) -> JsonObject:
        row = self._row(wanted.transaction_id, wanted.event_code)
        self._statement.correct(row, *_amounts(wanted.amount, wanted.fee, row.gross.currency))
        return {"transaction_id": row.transaction_id}

    def _withdraw(self, wanted: WithdrawInstruction) -> JsonObject:
        balance = self._statement.balances(self._account.now()).get(wanted.currency)
        available = balance.available if balance else 0
        amount = available if wanted.amount is None else wanted.amount
        if not 0 < amount <= available:
            raise ImpossibleError(f"{available} minor units of {wanted.currency} are available.")
        money = Money(-amount, wanted.currency)
        row = self._statement.book(paypal_id(), wanted.event_code, money)
        return {"transaction_id": row.transaction_id, "amount": amount}

    def _return(self, wanted: ReturnInstruction) -> JsonObject:
        row = self._row(wanted.id, *get_args(WithdrawalCode))
        if row.status != "S":
            raise ImpossibleError(f"{wanted.id} was returned already.")
        self._statement.change(row, "V")
        money, reference = negative(row.gross), row.transaction_id
        back = self._statement.book(paypal_id(), "T1101", money, reference=(reference, "TXN"))
        return {"transaction_id": back.transaction_id}

    def _convert(self, wanted: ConvertInstruction) -> JsonObject:
        sold = Money(wanted.amount, wanted.currency)
        gained, pair = exchanged(sold, wanted.rate, wanted.into), paypal_id()
        for part in (negative(sold), gained):
            self._statement.book(pair, wanted.event_code, part)
        return {"transaction_id": pair, "amount": gained.amount}

    def _refund(self, wanted: PagesRefundInstruction) -> JsonObject:
        capture = self._capture(wanted.id)
        money = None if wanted.amount is None else Money(wanted.amount, capture.money.currency)
        body = None if money is None else _body(money)
        refund = self._account.refunds.refund(capture, RefundCaptureBody(amount=body))
        host = self._records.orders[wanted.id].host
        return objects.refund_object(refund, self._records, host)

    def _reverse(self, wanted: ReverseInstruction) -> JsonObject:
        capture = self._capture(wanted.id)
        left = self._account.refunds.left(capture)
        amount = left.amount if wanted.amount is None else wanted.amount
        if not 0 < amount <= left.amount:
            raise ImpossibleError(f"{left} of {capture.id} can be reversed.")
        money = Money(amount, left.currency)
        reversal = self._account.refunds.reverse(capture, money, wanted.event_code)
        host = self._records.orders[wanted.id].host
        return objects.refund_object(reversal, self._records, host)

    def _dispute(self, wanted: DisputeInstruction) -> JsonObject:
        captures = [self._capture(order_id) for order_id in wanted.ids]
        if any(self._records.dispute_in(order_id) for order_id in wanted.ids):
            raise ImpossibleError("One of the orders is disputed already.")
        parts = [
            DisputedCapture(one.id, Money(wanted.amount or one.money.amount, one.money.currency))
            for one in captures
        ]
        dispute = self._account.disputes.dispute(parts, chargeback=wanted.chargeback)
        host = self._records.orders[wanted.ids[0]].host
        return objects.dispute_object(dispute, self._records, host)

    def _decide(self, wanted: DecideInstruction) -> JsonObject:
        dispute = self._account.disputes.undecided(wanted.id)
        if dispute is None:
            raise ImpossibleError(f"{wanted.id} has no dispute to decide.")
        fee = None if wanted.fee is None else (wanted.fee_code, wanted.fee)
        decided = self._account.disputes.decide(dispute, wanted.outcome, fee)
        host = self._records.orders[wanted.id].host
        return objects.dispute_object(decided, self._records, host)

    def _capture(self, order_id: str) -> PayPalCapture:
        captures = self._records.captures_of(order_id)
        taken = [capture for capture in captures if capture.status in TAKEN]
        if not taken:
            raise ImpossibleError(f"{order_id} has no successful capture.")
        return taken[0]

    def _row(self, transaction_id: str, *event_codes: str) -> PayPalRow:
        """Return the row with an id and one of some codes."""
        rows = (self._statement.find(transaction_id, code) for code in event_codes)
        row = next(filter(None, rows), None)
        if row is None:
            raise ImpossibleError(f"There is no such row of {transaction_id}.")
        return row


def _amounts(amount: int, fee: int | None, currency: str) -> tuple[Money, Money | None]:
    return Money(amount, currency), None if fee is None else Money(fee, currency)


def _body(money: Money) -> AmountBody:
    return AmountBody(currency_code=money.currency, value=money.decimal())
