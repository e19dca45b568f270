"""The page of the customer's bank: it authenticates customers and returns them to the shop."""

from __future__ import annotations

from http import HTTPStatus

import httpx
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from groat.simulator.pages import notice, question
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.model import Intent
from groat.simulator.stripe.payment_objects import PAGE_PATH
from groat.simulator.stripe.payments import StripePayments


class BankPage:
    """Shows the authentication that an intent requires, and lets the customer pass or fail it."""

    def __init__(self, account: StripeAccount, payments: StripePayments) -> None:
        self._account = account
        self._payments = payments

    def routes(self) -> list[Route]:
        """Return the routes. They need no key, because customers use them."""
        one = f"{PAGE_PATH}/{{id}}"
        return [
            Route(one, self.show),
            Route(f"{one}/complete", self.complete, methods=["POST"]),
            Route(f"{one}/fail", self.fail, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Ask the customer to pass or fail the authentication."""
        intent = self._account.intents.get(request.path_params["id"])
        if intent is None or intent.next_action is None:
            return _nothing_to_do()
        address = f"{PAGE_PATH}/{intent.id}"
        choices = {"Complete": f"{address}/complete", "Fail": f"{address}/fail"}
        text = "This page simulates your bank's page. A shop asks for"
        return question("Is this you?", text, intent.money(intent.amount), choices)

    async def complete(self, request: Request) -> Response:
        """Let the customer pass the authentication."""
        intent = self._account.intents.get(request.path_params["id"])
        if intent is None or not self._payments.complete_action(intent):
            return _nothing_to_do()
        return _back_to_shop(intent)

    async def fail(self, request: Request) -> Response:
        """Let the customer fail the authentication."""
        intent = self._account.intents.get(request.path_params["id"])
        if intent is None or not self._payments.fail_action(intent):
            return _nothing_to_do()
        return _back_to_shop(intent)


def _back_to_shop(intent: Intent) -> Response:
    """Redirect the customer to the shop's address, with the parameters that Stripe adds to it."""
    if intent.return_url is None:
        return notice("Thank you", "You may close this page of your bank.")
    outcome = "failed" if intent.error else "succeeded"
    parameters = {
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": outcome,
    }
    url = httpx.URL(intent.return_url).copy_merge_params(parameters)
    return RedirectResponse(str(url), HTTPStatus.SEE_OTHER)


def _nothing_to_do() -> Response:
    return notice("Your bank", "There is nothing to confirm here.", HTTPStatus.NOT_FOUND)
