"""Write thousands of payments whose provider call was never answered.

The webhook benchmark measures events about them. The fault drills start with them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from groat.app.wiring import Engine
from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.ids import AccountId, MerchantId, OperationId, PaymentId, ProviderAccountId
from groat.payments.domain.actions import PaymentAction
from groat.platform.postgres.columns import Bigints, Uuids
from groat.platform.postgres.queries import load_queries

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
    """Write a payment for each of ``amounts`` with its audit records; return the payments' ids.

    The beneficiaries take turns.
    """
    now = SystemClock().now()
    payment_ids = [PaymentId(ids.uuid7()) for _ in amounts]
    operation_ids = [OperationId(ids.uuid7()) for _ in amounts]
    paid = list(islice(cycle(beneficiaries), len(amounts)))
    changes = [
        change
        for row in zip(payment_ids, operation_ids, amounts, paid, strict=True)
        for change in _changes(account_id, *row)
    ]
    columns = {
        "merchant_id": merchant_id,
        "provider_account_id": account_id,
        "currency": CURRENCY,
        "ids": Uuids(payment_ids),
        "operation_ids": Uuids(operation_ids),
        "amounts": Bigints(amounts),
        "beneficiary_ids": Uuids(paid),
        "now": now,
    }
    async with engine.database.transaction() as connection:
        connection.write(_QUERIES["insert_payments"], columns)
        await engine.audit.write(connection, merchant_id, changes, now)
    return payment_ids


def _changes(
    provider_account_id: ProviderAccountId,
    payment_id: PaymentId,
    operation_id: OperationId,
    amount: int,
    beneficiary_id: AccountId,
) -> Iterator[Change]:
    """Yield the changes to record for a payment and for the operation that began with it."""
    both: dict[str, Scalar] = {
        "amount": amount,
        "currency": CURRENCY,
        "status": "processing",
        "provider_account": ids.render("provider_account", provider_account_id),
    }
    created: dict[str, Scalar] = {
        "beneficiary": ids.render("account", beneficiary_id),
        "capture_method": "automatic",
    }
    begun: dict[str, Scalar] = {"operation": ids.render("operation", operation_id)}
    actions = (PaymentAction.CREATED, created), (PaymentAction.AUTHORIZE_REQUESTED, begun)
    for action, data in actions:
        yield Change(action, "payment", payment_id, _CALLER, Cause(_CALLER), both | data)
