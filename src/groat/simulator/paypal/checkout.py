"""The page to which a payer is sent to approve an order, or not."""

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
    """Shows an order that waits for its payer, and sends the payer back."""

    def __init__(self, account: PayPalAccount) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """Return the routes, which need no access token: payers have none."""
        return [
            Route(CHECKOUT_PATH, self.show),
            Route(f"{CHECKOUT_PATH}/{{id}}/approve", self.approve, methods=["POST"]),
            Route(f"{CHECKOUT_PATH}/{{id}}/cancel", self.cancel, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Answer with the page."""
        order = self._account.records.orders.get(request.query_params.get("token", ""))
        if order is None or not order.waits:
            return _nothing_to_do()
        address = f"{CHECKOUT_PATH}/{order.id}"
        choices = {"Approve": f"{address}/approve", "Cancel": f"{address}/cancel"}
        text = f"This stands in for PayPal's page. Order {order.id} is over"
        return question("Approve the payment?", text, order.money, choices)

    async def approve(self, request: Request) -> Response:
        """Approve the order and send the payer back."""
        order = self._account.records.orders.get(request.path_params["id"])
        if order is None or not self._account.orders.approve(order.id):
            return _nothing_to_do()
        return _back(order.return_url, {"token": order.id, "PayerID": PAYER_ID})

    async def cancel(self, request: Request) -> Response:
        """Give the order up and send the payer back."""
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
    return notice("Nothing to approve", "No order waits here.", HTTPStatus.NOT_FOUND)
