"""The settings of a Stripe account that decide how its balance moves."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from groat.simulator.stripe.model import PendingReason
from groat.simulator.wire import Parameters

Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$")]


class SettlementRate(Parameters):
    """The currency in which charges of another currency reach the balance, and the rate."""

    currency: Currency
    rate: Annotated[Decimal, Field(gt=0)]


class StripeSettings(Parameters, use_attribute_docstrings=True):
    """The settings of an account. Amounts are in Stripe's units."""

    settlements: dict[Currency, SettlementRate] = Field(default_factory=dict)
    """Settlement by the currency of the charge. Other charges settle in their own currency."""
    minimum_balances: dict[Currency, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)
    """Amounts that automatic payouts leave in the balance, by currency."""
    dispute_fee: Annotated[int, Field(ge=0)] = 1500
    """Fee of a dispute, in the settlement currency."""
    fee_tax_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Tax on fees, in percent of the fee. It is a part of its own in ``fee_details``."""
    extra_fees: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Further parts of the fee of each charge, by type, such as ``withheld_tax``."""
    reserve_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Percentage of each charge that a rolling reserve holds back."""
    pending_reason: PendingReason = "processing"
    """Reason of refunds that stay pending."""
    charge_refunded_only: bool = False
    """Tell refunds by ``charge.refunded`` alone, as to an endpoint with an old API version."""
    livemode: bool = False
    """Value of ``livemode`` in events and objects' events."""
    connected_account: str | None = None
    """Connected account that events name in ``account``, or null for the account's own events."""
