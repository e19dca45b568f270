"""The parameters of requests about the balance: payouts, top-ups, transfers and reports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from groat.simulator.stripe.requests import (
    AMOUNT_MAX,
    Anything,
    CurrencyCode,
    Expanding,
    Integer,
    Interval,
    Listed,
    ListPage,
    MetadataRequest,
    interval,
)
from groat.simulator.wire import Parameters

Amount = Annotated[Integer, Field(ge=1, le=AMOUNT_MAX)]


class PayoutRequest(MetadataRequest):
    """A payout to make now. The simulator has one bank account and one balance of each currency."""

    amount: Amount
    currency: CurrencyCode
    description: str | None = None
    destination: Anything = None
    method: Literal["standard", "instant"] = "standard"
    source_type: Anything = None
    statement_descriptor: Anything = None


class TopupRequest(MetadataRequest):
    """A top-up of the balance from the merchant's bank account."""

    amount: Amount
    currency: CurrencyCode
    description: str | None = None
    source: Anything = None
    statement_descriptor: Anything = None
    transfer_group: Anything = None


class ConnectedAccountRequest(MetadataRequest):
    """A connected account to add, or the changes of one."""

    business_type: Anything = None
    capabilities: Anything = None
    controller: Anything = None
    country: Anything = None
    email: str | None = None
    type: Literal["standard", "express", "custom"] = "standard"


class TransferRequest(MetadataRequest):
    """A transfer to a connected account, from the available balance."""

    amount: Amount
    currency: CurrencyCode
    destination: str
    description: str | None = None
    source_transaction: Anything = None
    source_type: Anything = None
    transfer_group: str | None = None


class ReversalRequest(MetadataRequest):
    """A reversal of a transfer: by default of all that was not reversed."""

    amount: Amount | None = None
    description: Anything = None
    refund_application_fee: Anything = None


class PageOfTransactions(ListPage):
    """A page of balance transactions.

    ``payout`` finds the transactions of an automatic payout, ``source`` those of an object.
    """

    created: Annotated[Interval, BeforeValidator(interval)] = Interval()
    currency: CurrencyCode | None = None
    payout: str | None = None
    source: str | None = None
    type: str | None = None


class PageOfPayouts(ListPage):
    """A page of payouts, filtered by status and times."""

    arrival_date: Annotated[Interval, BeforeValidator(interval)] = Interval()
    created: Annotated[Interval, BeforeValidator(interval)] = Interval()
    destination: str | None = None
    status: str | None = None


class ReportParameters(Parameters):
    """The interval of a report, whose end is exclusive, and its columns."""

    columns: Listed = ()
    connected_account: Anything = None
    currency: CurrencyCode | None = None
    interval_end: Integer
    interval_start: Integer
    payout: str | None = None
    reporting_category: str | None = None
    timezone: str = "Etc/UTC"


class ReportRunRequest(Expanding):
    """A report to make. ``report_type`` is such as ``payout_reconciliation.itemized.5``."""

    report_type: str
    parameters: ReportParameters
