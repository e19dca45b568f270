"""The HTTP routes of customers and payment methods."""

from __future__ import annotations

from starlette.requests import Request

from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.customers import StripeCustomer, customer_object
from groat.simulator.stripe.exchange import Row, cause, found, listed, shown, text
from groat.simulator.stripe.model import Method
from groat.simulator.stripe.payment_objects import payment_method
from groat.simulator.stripe.requests import Expanding, MetadataRequest, parse
from groat.simulator.stripe.wallet import Wallet
from groat.simulator.stripe.wallet_requests import (
    AttachRequest,
    CustomerRequest,
    PageOfCustomers,
    PageOfMethods,
    PaymentMethodRequest,
)
from groat.simulator.wire import Answer, answer


class WalletRoutes:
    """The routes under ``/v1/customers`` and ``/v1/payment_methods``."""

    def __init__(self, account: StripeAccount, wallet: Wallet) -> None:
        self._account = account
        self._wallet = wallet

    def rows(self) -> list[Row]:
        """Return the routes."""
        customer, method = "/v1/customers/{id}", "/v1/payment_methods/{id}"
        return [
            ("POST", "/v1/customers", self.create_customer),
            ("GET", "/v1/customers", self.list_customers),
            ("GET", customer, self.show_customer),
            ("POST", customer, self.update_customer),
            ("DELETE", customer, self.delete_customer),
            ("GET", f"{customer}/payment_methods", self.list_methods_of_customer),
            ("POST", "/v1/payment_methods", self.create_method),
            ("GET", "/v1/payment_methods", self.list_methods),
            ("GET", method, self.show_method),
            ("POST", method, self.update_method),
            ("POST", f"{method}/attach", self.attach_method),
            ("POST", f"{method}/detach", self.detach_method),
        ]

    async def create_customer(self, request: Request) -> Answer:
        """Add a customer."""
        wanted = parse(CustomerRequest, await text(request))
        customer = self._wallet.add_customer(wanted, cause(request))
        return shown(self._account, wanted, customer_object(customer))

    async def list_customers(self, request: Request) -> Answer:
        """Answer with a page of customers."""
        page = parse(PageOfCustomers, request.url.query)

        def wanted(customer: StripeCustomer) -> bool:
            return page.email in {None, customer.email}

        customers = self._wallet.customers
        return listed(self._account, request, page, customers, wanted, customer_object)

    async def show_customer(self, request: Request) -> Answer:
        """Answer with a customer."""
        wanted = parse(Expanding, request.url.query)
        customer = found(self._wallet.customers, request, "customer")
        return shown(self._account, wanted, customer_object(customer))

    async def update_customer(self, request: Request) -> Answer:
        """BalanceChange a customer."""
        wanted = parse(CustomerRequest, await text(request))
        customer = found(self._wallet.customers, request, "customer")
        changed = self._wallet.change_customer(customer, wanted, cause(request))
        return shown(self._account, wanted, customer_object(changed))

    async def delete_customer(self, request: Request) -> Answer:
        """Remove a customer."""
        customer = found(self._wallet.customers, request, "customer")
        self._wallet.remove_customer(customer, cause(request))
        return answer(200, {"id": customer.id, "object": "customer", "deleted": True})

    async def create_method(self, request: Request) -> Answer:
        """Add a payment method."""
        wanted = parse(PaymentMethodRequest, await text(request))
        method = self._wallet.add_method(wanted)
        return shown(self._account, wanted, payment_method(method))

    async def list_methods(self, request: Request) -> Answer:
        """Answer with a page of payment methods that are attached to customers."""
        page = parse(PageOfMethods, request.url.query)
        return self._methods(request, page, page.customer)

    async def list_methods_of_customer(self, request: Request) -> Answer:
        """Answer with a page of a customer's payment methods."""
        customer = found(self._wallet.customers, request, "customer")
        return self._methods(request, parse(PageOfMethods, request.url.query), customer.id)

    async def show_method(self, request: Request) -> Answer:
        """Answer with a payment method, also with a test card such as ``pm_card_visa``."""
        wanted = parse(Expanding, request.url.query)
        method = self._wallet.use(request.path_params["id"])
        return shown(self._account, wanted, payment_method(method))

    async def update_method(self, request: Request) -> Answer:
        """BalanceChange the metadata of a payment method."""
        wanted = parse(MetadataRequest, await text(request))
        method = found(self._account.methods, request, "PaymentMethod")
        changed = self._wallet.describe(method, wanted.metadata, cause(request))
        return shown(self._account, wanted, payment_method(changed))

    async def attach_method(self, request: Request) -> Answer:
        """Attach a payment method, or a test card, to a customer."""
        wanted = parse(AttachRequest, await text(request))
        method = self._wallet.use(request.path_params["id"])
        attached = self._wallet.attach(method, wanted.customer, cause(request))
        return shown(self._account, wanted, payment_method(attached))

    async def detach_method(self, request: Request) -> Answer:
        """Detach a payment method from its customer."""
        wanted = parse(Expanding, await text(request))
        method = found(self._account.methods, request, "PaymentMethod")
        detached = self._wallet.detach(method, cause(request))
        return shown(self._account, wanted, payment_method(detached))

    def _methods(self, request: Request, page: PageOfMethods, customer: str | None) -> Answer:
        def wanted(method: Method) -> bool:
            kind = method.card.brand if method.card.debit else "card"
            known = method.customer is not None and customer in {None, method.customer}
            return known and page.type in {None, kind}

        methods = self._account.methods
        return listed(self._account, request, page, methods, wanted, payment_method)
