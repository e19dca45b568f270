"""Write thousands of payments whose provider call was never answered.

The webhook benchmark measures events about them. The fault drills start with them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import cycle, islice
from uuid import UUID, uuid4

from groat.app.wiring import Engine
from groat.audit.domain.record import Change, Transition
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import SystemClock
from groat.kernel.ids import AccountId, MerchantId, OperationId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.payments.domain.changes import created, requested
from groat.payments.domain.payment import PaymentOrder, PaymentTerms, confirm, new_payment
from groat.platform.postgres.columns import Bigints, Uuids
from groat.platform.postgres.queries import load_queries
from groat.routing.domain.route import Route

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
    salts = [uuid4() for _ in amounts]
    caller = Caller(merchant_id, _CALLER, _CALLER, frozenset())
    changes = [
        change
        for row in zip(payment_ids, operation_ids, amounts, paid, salts, strict=True)
        for change in _changes(caller, account_id, *row, now)
    ]
    columns = {
        "merchant_id": merchant_id,
        "provider_account_id": account_id,
        "currency": CURRENCY,
        "ids": Uuids(payment_ids),
        "operation_ids": Uuids(operation_ids),
        "amounts": Bigints(amounts),
        "beneficiary_ids": Uuids(paid),
        "salts": Uuids(salts),
        "now": now,
    }
    async with engine.database.transaction() as connection:
        connection.write(_QUERIES["insert_payments"], columns)
        await engine.audit.write(connection, merchant_id, changes, now)
    return payment_ids


def _changes(
    caller: Caller,
    provider_account_id: ProviderAccountId,
    payment_id: PaymentId,
    operation_id: OperationId,
    amount: int,
    beneficiary_id: AccountId,
    salt: UUID,
    now: datetime,
) -> Iterator[Change]:
    """Yield the changes to record for a payment and for the operation that began with it."""
    terms = PaymentTerms(Money(amount, CURRENCY), beneficiary_id)
    order = PaymentOrder(terms, Route.direct(provider_account_id, None))
    payment = new_payment(payment_id, order, now)
    begun = confirm(payment, [], None, operation_id, now)
    yield created(caller, begun.payment, salt, None)
    transition = Transition(payment, begun.payment)
    yield requested(caller, begun.payment, begun.operation, None, transition)
