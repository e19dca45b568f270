"""``groat merchants``: make merchants, their API keys and their provider accounts."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from groat.app.engine_commands import with_engine
from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.merchants.domain.credentials import ProviderName

app = typer.Typer(
    help="Make merchants, their API keys and their provider accounts.", no_args_is_help=True
)

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]


@app.command()
def create(name: Annotated[str, typer.Argument(help="What to call the merchant.")]) -> None:
    """Make a merchant and print its id."""
    merchant_id = with_engine(lambda engine: engine.merchants.create(name))
    print(ids.render_merchant(merchant_id))


@app.command()
def create_key(merchant: Merchant) -> None:
    """Make an API key and print it. It cannot be shown again."""
    merchant_id = ids.parse_merchant(merchant)
    print(with_engine(lambda engine: engine.merchants.create_api_key(merchant_id)))


@app.command()
def revoke_key() -> None:
    """Revoke the API key on standard input: it opens nothing any more, from now on."""
    key = sys.stdin.read().strip()
    with_engine(lambda engine: engine.merchants.revoke_api_key(key))


@app.command()
def put_provider_account(
    merchant: Merchant,
    provider: Annotated[
        ProviderName, typer.Argument(help="`stripe`, `paypal`, or what else is installed.")
    ],
    name: Annotated[str, typer.Argument(help="What to call the account.")],
) -> None:
    """Make a provider account, or give it new credentials, which are JSON on standard input.

    Stripe: `{"api_key": "sk_...", "webhook_secret": "whsec_..."}`. PayPal: `{"client_id": "...",
    "client_secret": "...", "webhook_id": "..."}`. For another, see its adapter. What verifies
    webhooks can be added later, once the provider knows the address that this command prints. To
    rotate it without a gap give both values, with a comma between.
    """
    merchant_id = ids.parse_merchant(merchant)
    credentials = _read_credentials(sys.stdin.read())
    account_id = with_engine(
        lambda engine: engine.merchants.put_provider_account(
            merchant_id, provider, name, credentials
        )
    )
    account = ids.render("provider_account", account_id)
    print(f"{account}\nWebhooks go to: /webhooks/{merchant}/{account}")


def _read_credentials(text: str) -> dict[str, str]:
    try:
        credentials = json.loads(text)
    except ValueError:
        credentials = None
    if not isinstance(credentials, dict) or not all(
        isinstance(value, str) for value in credentials.values()
    ):
        raise InvalidRequest(
            "invalid_credentials", "Credentials are a JSON object of texts on standard input."
        )
    return credentials
