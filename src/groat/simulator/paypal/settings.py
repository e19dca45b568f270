"""The settings of a PayPal account that decide how its balance moves and a search answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from groat.simulator.wire import Parameters

LATE_SECONDS_MAX = 3 * 3600
"""Maximum seconds until a search shows a row. Source: PayPal, "Transaction Search"."""

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("unknown time zone") from None
    return name


class Conversion(Parameters):
    """The currency into which PayPal converts payments at once, and the rate."""

    currency: CurrencyCode
    rate: Annotated[Decimal, Field(gt=0)]


class PayPalSettings(Parameters, use_attribute_docstrings=True):
    """The settings of an account. Amounts are in minor units."""

    primary_currency: CurrencyCode = "EUR"
    """Currency of the account's main balance."""
    time_zone: Annotated[str, AfterValidator(_zone)] = "Etc/UTC"
    """Time zone of the account: of dates in searches, and of the days of settlement reports."""
    conversions: dict[CurrencyCode, Conversion] = Field(default_factory=dict)
    """Conversion by the currency of the payment. Other payments stay in their own currency."""
    returns_fees: bool = False
    """Give the fee of a capture back with its refunds, in proportion."""
    holds_disputes: bool = True
    """Hold the disputed amount back until a dispute is decided."""
    honor_days: Annotated[int, Field(ge=0, le=29)] = 3
    """Days after an authorization in which it cannot be authorized again."""
    refresh_seconds: Annotated[int, Field(ge=0, le=LATE_SECONDS_MAX)] = 0
    """Age of the answers of searches. Rows and balances since then are not shown yet."""
    late_seconds: Annotated[int, Field(ge=0, le=LATE_SECONDS_MAX)] = LATE_SECONDS_MAX
    """Seconds until the search shows a late row. The fault plan decides which rows are late."""
    rows_max: Annotated[int, Field(ge=1)] = 10_000
    """Maximum rows that a search finds. More are refused as ``RESULTSET_TOO_LARGE``."""
