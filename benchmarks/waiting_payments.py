"""Payments whose call was never answered, written by thousands: what webhooks are measured on.

The drills begin with them as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

from groat.app.wiring import Engine
from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.ids import AccountId, MerchantId, PaymentId, ProviderAccountId
from groat.platform.columns import Bigints, Uuids
from groat.platform.queries import load_queries

CURRENCY = "EUR"

_QUERIES = load_queries(__file__, "waiting_payments.sql")
_CALLER = "ground"


async def write_payments(
    engine: Engine,
    merchant_id: MerchantId,
    account_id: ProviderAccountId,
    beneficiaries: Sequence[AccountId],
    amounts: Sequence[int],
) -> list[PaymentId]:
    """Write a payment of each of ``amounts``, with its record, for the beneficiaries in turns."""
    now = SystemClock().now()
    payment_ids = [PaymentId(ids.uuid7()) for _ in amounts]
    changes = [_created(*one) for one in zip(payment_ids, amounts, strict=True)]
    columns = {
        "merchant_id": merchant_id,
        "provider_account_id": account_id,
        "currency": CURRENCY,
        "ids": Uuids(payment_ids),
        "amounts": Bigints(amounts),
        "beneficiary_ids": Uuids(list(islice(cycle(beneficiaries), len(amounts)))),
        "now": now,
    }
    async with engine.database.transaction() as connection:
        connection.write(_QUERIES["insert_payments"], columns)
        engine.audit.write(connection, merchant_id, changes, now)
    return payment_ids


def _created(payment_id: PaymentId, amount: int) -> Change:
    data: dict[str, Scalar] = {"amount": amount, "currency": CURRENCY, "status": "processing"}
    return Change("payment.created", "payment", payment_id, _CALLER, Cause(_CALLER), data)
