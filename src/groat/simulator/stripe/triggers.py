"""What can be made to happen to a payment without a call of the client's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from groat.simulator.control import Trigger
from groat.simulator.stripe.account import Account
from groat.simulator.stripe.disputes import Disputes
from groat.simulator.stripe.model import Charge, Dispute, Intent, Refund
from groat.simulator.stripe.payments import Payments
from groat.simulator.stripe.refunds import Refunds


def triggers(
    account: Account, payments: Payments, refunds: Refunds, disputes: Disputes
) -> Mapping[str, Trigger]:
    """Return the triggers; each takes the id of a payment intent."""

    def intent(act: Callable[[Intent], bool]) -> Trigger:
        return lambda reference: (
            (found := account.intents.get(reference)) is not None and act(found)
        )

    def charge(act: Callable[[Charge], bool]) -> Trigger:
        return intent(lambda found: found.charge is not None and act(found.charge))

    def dispute(act: Callable[[Dispute], bool]) -> Trigger:
        return charge(lambda found: found.dispute is not None and act(found.dispute))

    def refund(act: Callable[[Refund], bool]) -> Trigger:
        return charge(lambda found: (last := refunds.latest(found)) is not None and act(last))

    return {
        "complete_action": intent(payments.complete_action),
        "fail_action": intent(payments.fail_action),
        "expire": intent(payments.expire),
        "dispute": charge(disputes.open),
        "dispute_won": dispute(disputes.win),
        "dispute_lost": dispute(disputes.lose),
        "refund_succeeds": refund(refunds.succeed),
        "refund_fails": refund(refunds.fail),
    }
