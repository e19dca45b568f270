"""``/webhooks/{merchant}/{provider account}``: where providers deliver. Raw bytes, no framework."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel import ids
from groat.kernel.ids import ProviderAccountId
from groat.platform.http import read_body
from groat.webhooks.service import WebhookReceiver


def route(receiver: WebhookReceiver) -> Route:
    """Return the route of this module."""

    async def receive(request: Request) -> Response:
        merchant, account = (request.path_params[name] for name in ("merchant", "provider_account"))
        await receiver.receive(
            ids.parse_merchant(merchant),
            ProviderAccountId(ids.parse("provider_account", account)),
            request.headers,
            await read_body(request),
        )
        return Response(status_code=200)

    return Route("/webhooks/{merchant}/{provider_account}", receive, methods=["POST"])
