"""Triggers: changes of a payment that no call of the client causes, such as a dispute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from groat.simulator.control import Trigger
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.disputes import StripeDisputes
from groat.simulator.stripe.model import Intent, StripeCharge, StripeDispute, StripeRefund
from groat.simulator.stripe.payments import StripePayments
from groat.simulator.stripe.refunds import StripeRefunds

Thing = TypeVar("Thing")


def triggers(
    account: StripeAccount,
    payments: StripePayments,
    refunds: StripeRefunds,
    disputes: StripeDisputes,
) -> Mapping[str, Trigger]:
    """Return the triggers by name. Each takes the id of a payment intent."""

    def intent(identifier: str) -> Intent | None:
        return account.intents.get(identifier)

    def charge(identifier: str) -> StripeCharge | None:
        found = intent(identifier)
        return found.charge if found else None

    def dispute(identifier: str) -> StripeDispute | None:
        found = charge(identifier)
        return found.dispute if found else None

    def refund(identifier: str) -> StripeRefund | None:
        found = charge(identifier)
        return refunds.latest(found) if found else None

    def untold(paid: Intent) -> bool:
        with account.silence(unless=False):
            return payments.book_movement(paid)

    return {
        "complete_action": _trigger(
            intent, lambda it: it.awaits_customer, payments.complete_action
        ),
        "fail_action": _trigger(intent, lambda it: it.awaits_customer, payments.fail_action),
        "debit_succeeds": _trigger(intent, lambda it: it.is_debited, payments.settle_debit),
        "debit_fails": _trigger(intent, lambda it: it.is_debited, payments.fail_debit),
        "debit_returned": _trigger(intent, payments.is_returnable, payments.return_debit),
        "book_movement": _trigger(intent, payments.awaits_movement, payments.book_movement),
        "book_untold_movement": _trigger(intent, payments.awaits_movement, untold),
        "expire": _trigger(intent, lambda it: it.authorized, payments.expire),
        "dispute": _trigger(charge, lambda it: it.disputable, disputes.open),
        "dispute_won": _trigger(dispute, lambda it: it.open, disputes.win),
        "dispute_lost": _trigger(dispute, lambda it: it.open, disputes.lose),
        "dispute_won_after_all": _trigger(
            dispute, lambda it: it.status == "lost", disputes.win_late
        ),
        "inquiry": _trigger(charge, lambda it: it.disputable, disputes.inquire),
        "inquiry_escalates": _trigger(dispute, lambda it: it.open_inquiry, disputes.escalate),
        "inquiry_closes": _trigger(dispute, lambda it: it.open_inquiry, disputes.drop),
        "refund_succeeds": _trigger(refund, lambda it: it.status == "pending", refunds.succeed),
        "refund_fails": _trigger(refund, lambda it: it.status != "failed", refunds.fail),
    }


def _trigger(
    find: Callable[[str], Thing | None],
    possible: Callable[[Thing], bool],
    act: Callable[[Thing], bool],
) -> Trigger:
    """Return the trigger that applies ``act`` to the object that ``find`` returns for a payment."""

    def is_possible(identifier: str) -> bool:
        thing = find(identifier)
        return thing is not None and possible(thing)

    def pull(identifier: str) -> bool:
        thing = find(identifier)
        return thing is not None and act(thing)

    return Trigger(is_possible, pull)
