"""Actions of the back office: changes of the account that have parameters of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import Field

from groat.simulator.back_office import ImpossibleError, Instruction, OfficeAction
from groat.simulator.stripe import balance_objects, claim_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance import BalanceChange
from groat.simulator.stripe.balance_model import BalanceType, FeePart, StripePayout
from groat.simulator.stripe.disputes import Decision, StripeDisputes
from groat.simulator.stripe.errors import StripeError
from groat.simulator.stripe.model import NOBODY, StripeCharge
from groat.simulator.stripe.payouts import StripePayouts
from groat.simulator.stripe.refunds import StripeRefunds
from groat.simulator.stripe.requests import CreateRefundRequest
from groat.simulator.stripe.settings import Currency
from groat.simulator.wire import JsonObject

Thing = TypeVar("Thing")
Told = TypeVar("Told", bound=Instruction)


class BookInstruction(Instruction):
    """A balance transaction to book, of any type and category. No event ever reports it.

    For the categories ``fee`` and ``network_cost``, ``amount`` is the fee and ``fees`` its tax.
    """

    kind: str
    category: str
    amount: int
    currency: Currency
    fees: dict[str, int] = Field(default_factory=dict)
    """Parts of the fee by type, such as ``stripe_fee``, ``tax`` or an unknown one."""
    source: str | None = None
    pending_days: Annotated[int, Field(ge=0, le=90)] = 0
    balance_type: BalanceType = "payments"


class CurrencyInstruction(Instruction):
    """The currency of the balance to act on."""

    currency: Currency


class ReserveInstruction(CurrencyInstruction):
    """An amount to hold in the reserve, or to release if it is negative."""

    amount: int


class SubjectInstruction(Instruction):
    """The payout or top-up to act on."""

    id: str


class RefundInstruction(Instruction):
    """A refund that somebody makes in the dashboard, of an intent's charge."""

    id: str
    amount: Annotated[int, Field(ge=1)] | None = None


class OpenDisputeInstruction(Instruction):
    """A dispute of an intent's charge. By default its amount is the unrefunded amount."""

    id: str
    amount: Annotated[int, Field(ge=1)] | None = None
    difference: int = 0
    """An exchange difference, which a movement of its own withdraws."""


class DecideDisputeInstruction(Instruction):
    """The decision of a dispute, open or decided before, and the amount that comes back.

    By default a won dispute brings back all that it took, and a lost one nothing.
    """

    id: str
    outcome: Decision
    amount: Annotated[int, Field(ge=0)] | None = None
    fee_back: bool = False


class StripeActions:
    """Performs the actions."""

    def __init__(
        self,
        account: StripeAccount,
        payouts: StripePayouts,
        refunds: StripeRefunds,
        disputes: StripeDisputes,
    ) -> None:
        self._account = account
        self._payouts = payouts
        self._refunds = refunds
        self._disputes = disputes

    def table(self) -> Mapping[str, OfficeAction[Any]]:
        """Return the actions by name."""
        payouts = self._payouts
        return {
            "book": self._action(BookInstruction, self._book),
            "reserve": self._action(ReserveInstruction, self._reserve),
            "refund": self._action(RefundInstruction, self._refund),
            "dispute": self._action(OpenDisputeInstruction, self._dispute),
            "decide_dispute": self._action(DecideDisputeInstruction, self._decide),
            "payout": self._action(CurrencyInstruction, self._pay_out),
            "payout_arrives": self._action(SubjectInstruction, partial(self._move, payouts.arrive)),
            "payout_fails": self._action(SubjectInstruction, partial(self._move, payouts.fail)),
            "payout_completes": self._action(
                SubjectInstruction, partial(self._move, payouts.complete)
            ),
            "topup_succeeds": self._action(SubjectInstruction, self._settle_topup),
            "topup_reversed": self._action(SubjectInstruction, self._reverse_topup),
        }

    def _action(
        self, wanted: type[Told], perform: Callable[[Told], JsonObject]
    ) -> OfficeAction[Told]:
        """Return an action that sends its events only if the instruction says so."""

        def silently(instruction: Told) -> JsonObject:
            with self._account.silence(unless=instruction.tell):
                try:
                    return perform(instruction)
                except StripeError as refusal:
                    raise ImpossibleError(str(refusal)) from None

        return OfficeAction(wanted, silently)

    def _book(self, wanted: BookInstruction) -> JsonObject:
        change = BalanceChange(
            wanted.kind,
            wanted.category,
            wanted.amount,
            wanted.currency,
            wanted.source,
            tuple(FeePart(kind, amount, "Fee") for kind, amount in wanted.fees.items() if amount),
            wanted.pending_days,
            wanted.balance_type,
        )
        return self._account.render_transaction(self._account.balance.book(change))

    def _reserve(self, wanted: ReserveInstruction) -> JsonObject:
        self._account.balance.reserve(wanted.amount, wanted.currency)
        return {}

    def _refund(self, wanted: RefundInstruction) -> JsonObject:
        charge = self._charge(wanted.id)
        amount = None if wanted.amount is None else str(wanted.amount)
        given = {"charge": charge.id} | ({} if amount is None else {"amount": amount})
        request = CreateRefundRequest.model_validate(given)
        return claim_objects.refund(self._refunds.create(request, NOBODY))

    def _dispute(self, wanted: OpenDisputeInstruction) -> JsonObject:
        charge = self._charge(wanted.id)
        if charge.dispute is not None or not charge.captured:
            raise ImpossibleError(f"{charge.id} cannot be disputed.")
        amount = wanted.amount or charge.unrefunded
        if not amount:
            raise ImpossibleError(f"{charge.id} is refunded: name the disputed amount.")
        return claim_objects.dispute(self._disputes.dispute(charge, amount, wanted.difference))

    def _decide(self, wanted: DecideDisputeInstruction) -> JsonObject:
        dispute = self._charge(wanted.id).dispute
        if dispute is None or not dispute.transactions:
            raise ImpossibleError(f"{wanted.id} has no dispute to decide.")
        everything = 0 if wanted.outcome == "lost" else dispute.withdrawn
        amount = everything if wanted.amount is None else wanted.amount
        self._disputes.decide(dispute, wanted.outcome, amount, fee_back=wanted.fee_back)
        return claim_objects.dispute(dispute)

    def _pay_out(self, wanted: CurrencyInstruction) -> JsonObject:
        return balance_objects.payout(self._payouts.pay_out(wanted.currency))

    def _move(
        self, change: Callable[[StripePayout], None], wanted: SubjectInstruction
    ) -> JsonObject:
        payout = _found(self._account.payouts, wanted.id)
        change(payout)
        return balance_objects.payout(payout)

    def _settle_topup(self, wanted: SubjectInstruction) -> JsonObject:
        topup = _found(self._account.topups, wanted.id)
        self._payouts.settle_topup(topup)
        return balance_objects.topup(topup)

    def _reverse_topup(self, wanted: SubjectInstruction) -> JsonObject:
        topup = _found(self._account.topups, wanted.id)
        self._payouts.reverse_topup(topup)
        return balance_objects.topup(topup)

    def _charge(self, intent_id: str) -> StripeCharge:
        charge = _found(self._account.intents, intent_id).charge
        if charge is None:
            raise ImpossibleError(f"{intent_id} has no charge.")
        return charge


def _found(things: Mapping[str, Thing], identifier: str) -> Thing:
    if identifier not in things:
        raise ImpossibleError(f"There is no {identifier}.")
    return things[identifier]
