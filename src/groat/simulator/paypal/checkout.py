"""The page to which a payer is sent to approve an order, or not."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from groat.simulator.paypal.account import Account

PAYER_ID = "SIMULATEDPAYR"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto }}
form {{ display: inline }}
button {{ font: inherit; padding: .4rem 1.2rem }}
</style>
</head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""

_CHOICE = """\
<p>A simulated PayPal. Order {order} is over <strong>{money}</strong>.</p>
<form method="post" action="/checkoutnow/{order}/approve"><button>Approve</button></form>
<form method="post" action="/checkoutnow/{order}/cancel"><button>Cancel</button></form>
"""


class CheckoutPages:
    """Shows an order that waits for its payer, and sends the payer back."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """Return the routes, which need no access token: payers have none."""
        return [
            Route("/checkoutnow", self.show),
            Route("/checkoutnow/{id}/approve", self.approve, methods=["POST"]),
            Route("/checkoutnow/{id}/cancel", self.cancel, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Answer with the page."""
        order = self._account.records.orders.get(request.query_params.get("token", ""))
        if order is None or order.status != "PAYER_ACTION_REQUIRED":
            return _nothing_to_do()
        content = _CHOICE.format(order=escape(order.id), money=escape(str(order.money)))
        return HTMLResponse(_PAGE.format(title="Approve the payment?", content=content))

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
        return HTMLResponse(_PAGE.format(title="Thank you", content="<p>You may close this.</p>"))
    target = httpx.URL(url).copy_merge_params(parameters)
    return RedirectResponse(str(target), HTTPStatus.SEE_OTHER)


def _nothing_to_do() -> Response:
    page = _PAGE.format(title="Nothing to approve", content="<p>No order waits here.</p>")
    return HTMLResponse(page, HTTPStatus.NOT_FOUND)
