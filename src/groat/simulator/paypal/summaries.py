"""What the page of the stand-in shows of orders."""

from __future__ import annotations

from itertools import islice

from groat.simulator.overview import AccountSummary, Part, Source
from groat.simulator.paypal.model import PayPalCapture, PayPalOrder, Records
from groat.simulator.paypal.objects import CHECKOUT_PATH


def source(records: Records) -> Source:
    """Return what the page is about.

    Deliveries are signed with a key, not with secrets, and there is no search to be refused.
    """

    def latest(limit: int) -> list[AccountSummary]:
        return [_summary(records, one) for one in islice(reversed(records.orders.values()), limit)]

    return Source(
        "PayPal",
        "order",
        frozenset({"two_secrets", "refuse_search"}),
        lambda: len(records.orders),
        latest,
    )


def _summary(records: Records, order: PayPalOrder) -> AccountSummary:
    authorizations = [
        Part("authorization", one.id, one.money, one.status)
        for one in records.authorizations_of(order.id)
    ]
    captures = records.captures_of(order.id)
    return AccountSummary(
        order.id,
        order.created,
        order.money,
        order.status,
        order.unit.custom_id,
        [*authorizations, *(part for one in captures for part in _parts(records, one))],
        f"{CHECKOUT_PATH}?token={order.id}" if order.waits else None,
    )


def _parts(records: Records, capture: PayPalCapture) -> list[Part]:
    return [
        Part("capture", capture.id, capture.money, capture.status),
        *(
            Part(
                "reversal" if refund.reversal else "refund",
                refund.id,
                refund.money,
                refund.status,
                refund.custom_id,
            )
            for refund in records.refunds_of(capture.id)
        ),
        *(
            Part("dispute", dispute.id, dispute.money, dispute.outcome or dispute.status)
            for dispute in records.disputes.values()
            if dispute.capture_id == capture.id
        ),
    ]
