"""The page of the customer's bank, where they are authenticated and sent back to the shop."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from groat.simulator.stripe.account import Account
from groat.simulator.stripe.model import Intent
from groat.simulator.stripe.payment_objects import PAGE_PATH
from groat.simulator.stripe.payments import Payments

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Your bank</title>
<body style="font: 1rem/1.5 system-ui; max-width: 24rem; margin: 4rem auto; padding: 0 1rem">
<h1>Is this you?</h1>
<p>A shop asks for <strong>{amount}</strong>. This stands in for your bank's page.</p>
<form method="post">
<button formaction="{path}/complete">Complete</button>
<button formaction="{path}/fail">Fail</button>
</form>
</body>
</html>
"""


class BankPage:
    """Shows what has to be done for an intent, and lets it be done."""

    def __init__(self, account: Account, payments: Payments) -> None:
        self._account = account
        self._payments = payments

    def routes(self) -> list[Route]:
        """Return the routes; they ask for no key, as it is the customer who comes."""
        one = f"{PAGE_PATH}/{{id}}"
        return [
            Route(one, self.show),
            Route(f"{one}/complete", self.complete, methods=["POST"]),
            Route(f"{one}/fail", self.fail, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Ask the customer."""
        intent = self._account.intents.get(request.path_params["id"])
        if intent is None or intent.next_action is None:
            return _nothing_to_do()
        amount = escape(str(intent.money(intent.amount)))
        return HTMLResponse(_PAGE.format(amount=amount, path=f"{PAGE_PATH}/{intent.id}"))

    async def complete(self, request: Request) -> Response:
        """Let the customer pass."""
        intent = self._account.intents.get(request.path_params["id"])
        if intent is None or not self._payments.complete_action(intent):
            return _nothing_to_do()
        return _back_to_shop(intent)

    async def fail(self, request: Request) -> Response:
        """Let the customer fail."""
        intent = self._account.intents.get(request.path_params["id"])
        if intent is None or not self._payments.fail_action(intent):
            return _nothing_to_do()
        return _back_to_shop(intent)


def _back_to_shop(intent: Intent) -> Response:
    """Send the customer to where the shop wants them, with what Stripe adds to the address."""
    if intent.return_url is None:
        return HTMLResponse("<title>Your bank</title><p>Thank you.")
    outcome = "failed" if intent.error else "succeeded"
    told = {
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": outcome,
    }
    url = httpx.URL(intent.return_url).copy_merge_params(told)
    return RedirectResponse(str(url), HTTPStatus.SEE_OTHER)


def _nothing_to_do() -> Response:
    page = "<title>Your bank</title><p>There is nothing to confirm here."
    return HTMLResponse(page, HTTPStatus.NOT_FOUND)
