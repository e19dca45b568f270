"""Movements at a provider account of a world: made, posted and read from files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from groat.kernel.clock import SystemClock
from groat.movements.domain.attribution import Owner, attribute
from groat.movements.domain.booking import Attributed, BookedMovement
from groat.providers.domain.movements import Movement, MovementCategory
from groat.settlement.domain.summary import ImportOutcome
from groat.settlement.service.files import SettlementReport
from groat.settlement.service.suspense import MovementName
from tests.support.world import OPERATOR, World

BOOKED_AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
HEADING = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,"
    "charge_id,automatic_payout_id"
)


def moved(key: str, category: MovementCategory, gross: int, **changes: Any) -> Movement:
    """Return a movement in EUR, which belongs to the charge ``ch_<key>``."""
    known = {"source": f"ch_{key}", "parent": f"ch_{key}", **changes}
    return Movement(key, category, category.value, BOOKED_AT, "EUR", gross, **known)


async def post(
    world: World, movements: Iterable[Movement], owner: Owner = Owner.OURS
) -> list[BookedMovement]:
    """Post movements at the merchant's account at Stripe."""
    batch = [Attributed(movement, attribute(movement, owner)) for movement in movements]
    engine, now = world.engine, SystemClock().now()
    async with engine.database.transaction() as connection:
        booked, changes = await engine.movements.post(
            connection, world.merchant_id, world.stripe.account_id, batch, now
        )
        if changes:
            await engine.audit.write(connection, world.merchant_id, changes, now)
    return booked


def itemized(movements: Sequence[Movement]) -> bytes:
    """Return Stripe's itemized report of movements in EUR, which are no fees of no payment."""
    lines = [HEADING]
    for one in movements:
        amounts = (one.gross, one.fee + one.tax, one.net)
        gross, fee, net = (f"{amount / 100:.2f}" for amount in amounts)
        created = one.occurred_at.strftime("%Y-%m-%d %H:%M:%S")
        names = (one.label, one.source or "", one.parent or "", one.payout or "")
        lines.append(",".join([one.key, created, "eur", gross, fee, net, *names]))
    return "\n".join([*lines, ""]).encode()


async def import_file(world: World, content: bytes, name: str = "itemized.csv") -> ImportOutcome:
    """Import a settlement file at the merchant's account at Stripe."""
    account_id = world.stripe.account_id
    caller = OPERATOR.acting_for(world.merchant_id)
    report = SettlementReport(caller, account_id, name, (io.BytesIO(content),))
    return await world.engine.settlement_files.import_report(report, lambda _, __: None)


async def live_at_the_provider(world: World) -> None:
    """Post movements that no event told, of several places, and import a file that has more."""
    charged = moved("txn_charged", MovementCategory.CHARGE, 1050, fee=41, tax=2)
    await post(world, [charged, moved("txn_paid_out", MovementCategory.PAYOUT, -500)])
    await post(world, [moved("txn_held", MovementCategory.RESERVE, -100)])
    unknown = [moved(f"txn_unknown_{n}", MovementCategory.OTHER, 30 + n) for n in range(2)]
    await post(world, unknown)
    caller, name = OPERATOR.acting_for(world.merchant_id), unknown[1].key
    await world.engine.suspense.attribute(
        caller, MovementName(world.stripe.account_id, name), "ch_found"
    )
    foreign = moved("txn_foreign", MovementCategory.CHARGE, 70)
    await post(world, [foreign], Owner.OTHER_SYSTEM)
    read = moved("txn_read", MovementCategory.CHARGE, 900, payout="po_1")
    await import_file(world, itemized([charged, read]))
