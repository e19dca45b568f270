"""``groat accounts``: show accounts, their entries and the trial balance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from groat.accounts.domain.chart import Account
from groat.accounts.domain.ledger import StatementFilter, StatementLine
from groat.accounts.http.accounts import AccountView, EntryView, TrialBalanceView
from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.ids import AccountId, MerchantId
from groat.platform.http.edge import View

app = typer.Typer(help="Show accounts, their entries and the trial balance.", no_args_is_help=True)
console = Console()

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]
AccountArgument = Annotated[str, typer.Argument(help="The account's id or its code.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of rows to show.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_accounts(merchant: Merchant, limit: Limit = 100, as_json: Json = False) -> None:
    """Show a merchant's accounts with their balances, oldest first."""
    merchant_id = ids.parse_merchant(merchant)
    accounts = with_engine(lambda engine: engine.account_queries.page(merchant_id, limit=limit))
    if as_json:
        _print_json([AccountView.of(account) for account in accounts])
    else:
        render.accounts(console, accounts)


@app.command()
def show(merchant: Merchant, account: AccountArgument, as_json: Json = False) -> None:
    """Show one account."""
    merchant_id = ids.parse_merchant(merchant)
    found = with_engine(lambda engine: _find(engine, merchant_id, account))
    if as_json:
        _print_json([AccountView.of(found)])
    else:
        render.accounts(console, [found])


@app.command()
def entries(
    merchant: Merchant,
    account: AccountArgument,
    kind: Annotated[
        str | None, typer.Option(help="Show only transactions of this kind, such as `transfer`.")
    ] = None,
    oldest_first: Annotated[bool, typer.Option(help="Start with the oldest entry.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show an account's entries, each with the balance after it. The newest come first."""
    merchant_id = ids.parse_merchant(merchant)
    selection = StatementFilter(kind=kind, oldest_first=oldest_first)

    async def read(engine: Engine) -> tuple[Account, list[StatementLine]]:
        found = await _find(engine, merchant_id, account)
        return await engine.account_queries.statement(merchant_id, found.id, selection, limit=limit)

    found, lines = with_engine(read)
    if as_json:
        _print_json([EntryView.of(found, line) for line in lines])
    else:
        render.entries(console, found, lines)


@app.command()
def trial_balance(merchant: Merchant, as_json: Json = False) -> None:
    """Show the sums of debit and credit balances in each currency. The two sums must be equal."""
    merchant_id = ids.parse_merchant(merchant)
    sums = with_engine(lambda engine: engine.account_queries.trial_balance(merchant_id))
    if as_json:
        _print_json([TrialBalanceView.of(total) for total in sums])
    else:
        render.trial_balance(console, sums)


async def _find(engine: Engine, merchant_id: MerchantId, text: str) -> Account:
    by_code = await engine.account_queries.page(merchant_id, code=text, limit=1)
    if by_code:
        return by_code[0]
    return await engine.account_queries.get(merchant_id, AccountId(ids.parse("account", text)))


def _print_json(views: Sequence[View]) -> None:
    print(json.dumps([view.model_dump(mode="json") for view in views]))
