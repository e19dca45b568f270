"""Authentication of API calls: a merchant's key as a bearer token (RFC 6750)."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.merchants.domain.credentials import invalid_api_key
from groat.merchants.service import MerchantService
from groat.platform.http import Authenticate

_bearer = HTTPBearer(auto_error=False, description="An API key, as `groat_...`.")


def authenticator(merchants: MerchantService) -> Authenticate:
    """Return the dependency that says who is calling."""

    async def authenticate(
        request: Request,
        token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        if token is None:
            raise invalid_api_key()
        merchant_id, key_id = await merchants.authenticate(token.credentials)
        return Caller(merchant_id, ids.render("api_key", key_id), request.state.request_id)

    return authenticate
