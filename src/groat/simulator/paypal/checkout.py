"""The page on which a payer approves or cancels an order."""

from __future__ import annotations

from http import HTTPStatus

import httpx
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from groat.simulator.pages import notice, question
from groat.simulator.paypal.account import PayPalAccount
from groat.simulator.paypal.objects import CHECKOUT_PATH, PAYER_ID


class CheckoutPages:
    """Shows an order that waits for its payer, and redirects the payer back to the shop."""

    def __init__(self, account: PayPalAccount) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """Return the routes. They need no access token, because payers use them."""
        return [
            Route(CHECKOUT_PATH, self.show),
            Route(f"{CHECKOUT_PATH}/{{id}}/approve", self.approve, methods=["POST"]),
            Route(f"{CHECKOUT_PATH}/{{id}}/cancel", self.cancel, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Answer with the page of an order."""
        order = self._account.records.orders.get(request.query_params.get("token", ""))
        if order is None or not order.waits:
            return _nothing_to_do()
        address = f"{CHECKOUT_PATH}/{order.id}"
        choices = {"Approve": f"{address}/approve", "Cancel": f"{address}/cancel"}
        text = f"This page simulates PayPal's page. The amount of order {order.id} is"
        return question("Approve the payment?", text, order.money, choices)

    async def approve(self, request: Request) -> Response:
        """Approve the order and redirect the payer to the shop."""
        order = self._account.records.orders.get(request.path_params["id"])
        if order is None or not self._account.orders.approve(order.id):
            return _nothing_to_do()
        return _back(order.return_url, {"token": order.id, "PayerID": PAYER_ID})

    async def cancel(self, request: Request) -> Response:
        """Cancel the order and redirect the payer to the shop."""
        order = self._account.records.orders.get(request.path_params["id"])
        if order is None or not self._account.orders.cancel(order.id):
            return _nothing_to_do()
        return _back(order.cancel_url, {"token": order.id})


def _back(url: str | None, parameters: dict[str, str]) -> Response:
    if url is None:
        return notice("Thank you", "You may close this page.")
    target = httpx.URL(url).copy_merge_params(parameters)
    return RedirectResponse(str(target), HTTPStatus.SEE_OTHER)


def _nothing_to_do() -> Response:
    return notice("Nothing to approve", "No order waits for approval.", HTTPStatus.NOT_FOUND)
