"""Write settlement files of any length, as Stripe and PayPal write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 2, tzinfo=UTC)
FEE = 41
"""Fee of each movement, in cents."""

_STRIPE_HEADING = (
    "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,"
    "reporting_category,source_id,charge_id,automatic_payout_id,customer_facing_currency"
)
_PAYPAL_HEADING = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type",'
    '"Transaction Event Code","Transaction Initiation Date","Transaction Completion Date",'
    '"Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID"'
)


def write(path: Path, provider: str, rows: int) -> None:
    """Write a report of ``rows`` movements, of which one in ten is a refund."""
    lines: Callable[[int], Iterator[str]] = _STRIPE_AND_PAYPAL[provider]
    with path.open("w", encoding="utf-8") as file:
        for line in lines(rows):
            file.write(line + "\n")


def _gross(number: int) -> int:
    amount = 1000 + number % 9973
    return -amount if number % 10 == 0 else amount


def _stripe(rows: int) -> Iterator[str]:
    yield _STRIPE_HEADING
    for number in range(rows):
        gross = _gross(number)
        category, source = ("refund", "re") if gross < 0 else ("charge", "ch")
        booked = START + timedelta(seconds=number // 12)
        yield (
            f"txn_3Qx{number:021},{booked:%Y-%m-%d %H:%M:%S},2026-03-09 00:00:00,eur,"
            f"{gross / 100:.2f},{FEE / 100:.2f},{(gross - FEE) / 100:.2f},{category},"
            f"{source}_3Qx{number:021},ch_3Qx{number:021},po_1Qx{number // 10000:021},eur"
        )


def _paypal(rows: int) -> Iterator[str]:
    yield '"RH",2026/03/03 17:41:54 +0000,"A","MERCHANT1",011,'
    yield '"FH",01'
    yield '"SH",2026/03/02 00:00:00 +0000,2026/03/02 23:59:59 +0000,"MERCHANT1",""'
    yield _PAYPAL_HEADING
    sums = [0, 0]
    for number in range(rows):
        gross = _gross(number)
        side, code = ("DR", "T1107") if gross < 0 else ("CR", "T0006")
        sums[gross < 0] += abs(gross)
        booked = START + timedelta(seconds=number // 12)
        kind = "TXN" if gross < 0 else ""
        reference = f"{number - 1:017}" if gross < 0 else ""
        yield (
            f'"SB","{number:017}","","{reference}","{kind}","{code}",'
            f"{booked:%Y/%m/%d %H:%M:%S} +0000,{booked:%Y/%m/%d %H:%M:%S} +0000,"
            f'"{side}",{abs(gross)},"EUR","DR",{FEE},"EUR","",""'
        )
    taken, given = sums
    closing = taken - given - FEE * rows
    yield (
        f'"SF","EUR",{taken},{given},0,{FEE * rows},"CR",0,"{"CR" if closing >= 0 else "DR"}",'
        f'{abs(closing)},"CR",0,"CR",0,{rows}'
    )
    yield f'"SC",{rows}'
    yield f'"RC",{rows}'
    yield f'"FF",{rows}'


_STRIPE_AND_PAYPAL = {"stripe": _stripe, "paypal": _paypal}
