"""``groat provider-accounts``: a merchant's accounts at providers, and their credentials."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.errors import InvalidRequest, NotFound
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.merchants.domain.credentials import ProviderAccount, ProviderName, masked

app = typer.Typer(
    help="Create, show and delete a merchant's provider accounts.", no_args_is_help=True
)
console = Console()

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]
Account = Annotated[str, typer.Argument(help="The provider account's id, as `pac_...`.")]


@app.command()
def put(
    merchant: Merchant,
    provider: Annotated[
        ProviderName, typer.Argument(help="`stripe`, `paypal`, or another installed provider.")
    ],
    name: Annotated[str, typer.Argument(help="The account's name, unique for the merchant.")],
    *,
    create: Annotated[
        bool,
        typer.Option(
            "--create", help="Create the account. Without this option, it must exist already."
        ),
    ] = False,
) -> None:
    """Set the credentials of a provider account. Give a JSON object on standard input.

    Stripe: `{"api_key": "sk_...", "webhook_secret": "whsec_..."}`. PayPal: `{"client_id": "...",
    "client_secret": "...", "webhook_id": "..."}`. For another provider, see its adapter.

    Credentials that the object does not name stay as they are; `null` removes one. This command
    prints the webhook address. Register it at the provider, then add the webhook credential that
    the provider returns. To rotate that credential without a gap, give the old and the new value
    with a comma between them.
    """
    merchant_id, credentials = ids.parse_merchant(merchant), _read_credentials(sys.stdin.read())

    async def store(engine: Engine) -> ProviderAccountId:
        if not create:
            await _require_name(engine, merchant_id, name)
        caller = operator().acting_for(merchant_id)
        return await engine.merchants.put_provider_account(caller, provider, name, credentials)

    account = ids.render("provider_account", with_engine(store))
    print(f"{account}\nWebhooks go to: /webhooks/{merchant}/{account}")


@app.command("list")
def list_accounts(merchant: Merchant) -> None:
    """List a merchant's provider accounts, without their credentials."""
    merchant_id = ids.parse_merchant(merchant)
    found = with_engine(lambda engine: engine.merchants.provider_accounts(merchant_id))
    render.provider_accounts(console, found)


@app.command()
def show(merchant: Merchant, account: Account) -> None:
    """Show a provider account, with its credentials masked."""
    found = _account(merchant, account)
    credentials = {name: masked(value) for name, value in sorted(found.credentials.items())}
    document = {"id": account, "provider": found.provider, "name": found.name}
    print(json.dumps({**document, "credentials": credentials}, indent=2))


@app.command()
def delete(
    merchant: Merchant,
    account: Account,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete without asking for confirmation.")
    ] = False,
) -> None:
    """Delete a provider account and its credentials.

    The account's payments stay, but Groat can no longer capture, cancel, refund or look them up.
    Groat refuses the account's webhooks.
    """
    found = _account(merchant, account)
    if not yes:
        typer.confirm(f"Delete {found.name} at {found.provider}?", abort=True)
    caller = operator().acting_for(found.merchant_id)
    with_engine(lambda engine: engine.merchants.delete_provider_account(caller, found.id))


def _account(merchant: str, account: str) -> ProviderAccount:
    merchant_id = ids.parse_merchant(merchant)
    account_id = ProviderAccountId(ids.parse("provider_account", account))
    return with_engine(lambda engine: engine.merchants.provider_account(merchant_id, account_id))


async def _require_name(engine: Engine, merchant_id: MerchantId, name: str) -> None:
    """Refuse a name that no account of the merchant has, since it may be a typing error."""
    names = [account.name for account in await engine.merchants.provider_accounts(merchant_id)]
    if name not in names:
        raise NotFound(
            "provider_account_not_found",
            f"There is no provider account {name!r}; there are: {', '.join(names) or 'none'}. "
            "To create it, add --create.",
        )


def _read_credentials(text: str) -> dict[str, str | None]:
    try:
        credentials = json.loads(text)
    except ValueError:
        credentials = None
    if not isinstance(credentials, dict) or not all(
        isinstance(value, str | None) for value in credentials.values()
    ):
        raise InvalidRequest(
            "invalid_credentials",
            "Give the credentials on standard input: a JSON object whose values are text or null.",
        )
    return credentials
