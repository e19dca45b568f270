"""Summaries of orders for the simulator's page."""

from __future__ import annotations

from itertools import islice

from groat.simulator.overview import AccountSummary, Part, Source
from groat.simulator.paypal.model import PayPalCapture, PayPalOrder, Records
from groat.simulator.paypal.objects import CHECKOUT_PATH


def source(records: Records) -> Source:
    """Return the orders in ``records`` as the source of the page.

    PayPal signs deliveries with a key and not with secrets. So ``two_secrets`` has no meaning here.
    """

    def latest(limit: int) -> list[AccountSummary]:
        newest_first = reversed(records.orders.values())
        return [_summary(records, order) for order in islice(newest_first, limit)]

    return Source(
        "PayPal",
        "order",
        frozenset({"two_secrets"}),
        lambda: len(records.orders),
        latest,
    )


def _summary(records: Records, order: PayPalOrder) -> AccountSummary:
    authorizations = [
        Part("authorization", authorization.id, authorization.money, authorization.status)
        for authorization in records.authorizations_of(order.id)
    ]
    captures = records.captures_of(order.id)
    return AccountSummary(
        order.id,
        order.created,
        order.money,
        order.status,
        order.unit.custom_id,
        [*authorizations, *(part for capture in captures for part in _parts(records, capture))],
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
            if capture.id in dispute.capture_ids
        ),
    ]
