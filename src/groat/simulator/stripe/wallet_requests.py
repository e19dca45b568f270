"""The parameters of requests about customers and payment methods."""

from __future__ import annotations

from typing import Literal

from groat.simulator.stripe.requests import (
    Anything,
    Expanding,
    ListPage,
    MetadataRequest,
    Shipping,
)
from groat.simulator.wire import Parameters


class CustomerRequest(MetadataRequest):
    """A customer to add, or the attributes of a customer to change."""

    address: Anything = None
    description: str | None = None
    email: str | None = None
    invoice_settings: Anything = None
    name: str | None = None
    payment_method: Anything = None
    phone: str | None = None
    preferred_locales: Anything = None
    shipping: Shipping | None = None


class CardNumber(Parameters):
    """A test card, by its number or by a token such as ``tok_visa``."""

    cvc: str | None = None
    exp_month: str | None = None
    exp_year: str | None = None
    number: str | None = None
    token: str | None = None


class SepaDebit(Parameters):
    """A European bank account."""

    iban: str


class UsBankAccount(Parameters):
    """An American bank account."""

    account_holder_type: str | None = None
    account_number: str
    account_type: str | None = None
    routing_number: str | None = None


class PaymentMethodRequest(MetadataRequest):
    """A payment method to add."""

    billing_details: Anything = None
    card: CardNumber | None = None
    customer: str | None = None
    sepa_debit: SepaDebit | None = None
    type: Literal["card", "sepa_debit", "us_bank_account"]
    us_bank_account: UsBankAccount | None = None


class AttachRequest(Expanding):
    """The customer to attach a payment method to."""

    customer: str


class PageOfMethods(ListPage):
    """A page of payment methods, of one customer or of one type."""

    customer: str | None = None
    type: str | None = None


class PageOfCustomers(ListPage):
    """A page of customers, or those with an e-mail address."""

    email: str | None = None
