"""``/webhooks/{merchant}/{provider account}``: where providers deliver. Raw bytes, no framework."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel import ids
from groat.kernel.errors import GroatError
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.platform.http import Problem, problem, read_body
from groat.webhooks.service import WebhookReceiver


def route(receiver: WebhookReceiver) -> Route:
    """Return the route of this module."""

    async def receive(request: Request) -> Response:
        try:
            merchant_id = MerchantId(ids.parse("merchant", request.path_params["merchant"]))
            account_id = ProviderAccountId(
                ids.parse("provider_account", request.path_params["provider_account"])
            )
            body = await read_body(request)
            await receiver.receive(merchant_id, account_id, request.headers, body)
        except GroatError as error:
            return problem(error.status, Problem(error.code, error.message))
        return Response(status_code=200)

    return Route("/webhooks/{merchant}/{provider_account}", receive, methods=["POST"])
