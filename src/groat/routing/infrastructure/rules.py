"""Convert routing rules and decisions to rows and back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from groat.kernel.ids import MerchantId, PaymentId
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import load_queries
from groat.routing.domain.route import RoutingDecision
from groat.routing.domain.rules import Rules, RulesInForce
from groat.routing.infrastructure.documents import RulesDocument, decision_document, stored_rules

QUERIES = load_queries(__file__, "rules.sql")


async def rules(connection: Connection, merchant_id: MerchantId) -> RulesInForce:
    """Return the rules in force."""
    row = await connection.fetch_one(QUERIES["get_rules"], {"merchant_id": merchant_id})
    if row is None:
        return RulesInForce(0, Rules())
    return RulesInForce(row.version, stored_rules(row.rules))


def insert_rules(
    connection: Connection, merchant_id: MerchantId, new: RulesInForce, now: datetime
) -> None:
    """Insert a new version of the merchant's rules."""
    connection.write(
        QUERIES["insert_rules"],
        {
            "merchant_id": merchant_id,
            "version": new.version,
            "rules": RulesDocument.of(new.rules).model_dump_json(),
            "now": now,
        },
    )


def insert_decision(
    connection: Connection,
    merchant_id: MerchantId,
    payment_id: PaymentId,
    decision: RoutingDecision,
    now: datetime,
) -> None:
    """Insert the routing decision of a payment."""
    connection.write(
        QUERIES["insert_decision"],
        {
            "merchant_id": merchant_id,
            "payment_id": payment_id,
            "rules_version": decision.rules_version,
            "decision": json.dumps(decision_document(payment_id, decision)),
            "now": now,
        },
    )


async def decision(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> dict[str, Any] | None:
    """Return the routing decision of a payment, None if its caller named the account."""
    row = await connection.fetch_one(
        QUERIES["get_decision"], {"merchant_id": merchant_id, "payment_id": payment_id}
    )
    return None if row is None else dict(row.decision)
