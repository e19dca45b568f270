"""Customers and their payment methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from groat.simulator.references import stripe_id
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.cards import StripeCard, bank_account, card_with_number, find_card
from groat.simulator.stripe.customers import StripeCustomer, customer_object
from groat.simulator.stripe.errors import invalid_request
from groat.simulator.stripe.metadata import changed_metadata
from groat.simulator.stripe.model import EventCause, Method
from groat.simulator.stripe.payment_objects import payment_method
from groat.simulator.stripe.wallet_requests import CustomerRequest, PaymentMethodRequest


class Wallet:
    """Keeps customers and payment methods, and sends their events."""

    def __init__(self, account: StripeAccount) -> None:
        self.customers: dict[str, StripeCustomer] = {}
        self._account = account

    def add_customer(self, request: CustomerRequest, cause: EventCause) -> StripeCustomer:
        """Add a customer."""
        customer = StripeCustomer(
            stripe_id("cus"),
            self._account.now(),
            request.description,
            request.email,
            request.name,
            request.phone,
            request.metadata,
        )
        return self._keep("created", customer, cause)

    def change_customer(
        self, customer: StripeCustomer, request: CustomerRequest, cause: EventCause
    ) -> StripeCustomer:
        """BalanceChange the attributes of a customer that the request names."""
        given = request.model_dump(
            include={"description", "email", "name", "phone"}, exclude_unset=True
        )
        metadata = changed_metadata(customer.metadata, request.metadata)
        return self._keep("updated", replace(customer, **given, metadata=metadata), cause)

    def remove_customer(self, customer: StripeCustomer, cause: EventCause) -> None:
        """Remove a customer."""
        del self.customers[customer.id]
        self._account.tell("customer.deleted", customer_object(customer), cause)

    def use(self, reference: str) -> Method:
        """Return a stored payment method, or a new one with the test card that is named.

        Raises:
            StripeError: There is no such payment method.
        """
        stored = self._account.methods.get(reference)
        return stored or self._store(Method(stripe_id("pm"), find_card(reference)))

    def add_method(self, request: PaymentMethodRequest) -> Method:
        """Add a payment method.

        Raises:
            StripeError: There is no such test card.
        """
        return self._store(
            Method(stripe_id("pm"), _card(request), request.customer, request.metadata)
        )

    def attach(self, method: Method, customer: str, cause: EventCause) -> Method:
        """Attach a payment method to a customer.

        Raises:
            StripeError: There is no such customer.
        """
        if customer not in self.customers:
            raise invalid_request(f"No such customer: '{customer}'", param="customer")
        return self._change("attached", replace(method, customer=customer), cause)

    def detach(self, method: Method, cause: EventCause) -> Method:
        """Detach a payment method from its customer."""
        return self._change("detached", replace(method, customer=None), cause)

    def describe(self, method: Method, metadata: Mapping[str, str], cause: EventCause) -> Method:
        """BalanceChange values of a payment method's metadata."""
        changed = replace(method, metadata=changed_metadata(method.metadata, metadata))
        return self._change("updated", changed, cause)

    def _keep(self, happened: str, customer: StripeCustomer, cause: EventCause) -> StripeCustomer:
        self.customers[customer.id] = customer
        self._account.tell(f"customer.{happened}", customer_object(customer), cause)
        return customer

    def _change(self, happened: str, method: Method, cause: EventCause) -> Method:
        self._store(method)
        self._account.tell(f"payment_method.{happened}", payment_method(method), cause)
        return method

    def _store(self, method: Method) -> Method:
        self._account.methods[method.id] = method
        return method


def _card(request: PaymentMethodRequest) -> StripeCard:
    match request:
        case PaymentMethodRequest(type="card", card=card) if card is not None:
            return find_card(card.token) if card.token else card_with_number(card.number or "")
        case PaymentMethodRequest(type="sepa_debit", sepa_debit=debit) if debit is not None:
            return bank_account("sepa_debit", debit.iban)
        case PaymentMethodRequest(type="us_bank_account", us_bank_account=account) if account:
            return bank_account("us_bank_account", account.account_number)
        case _:
            raise invalid_request(f"Missing required param: {request.type}.", param=request.type)
