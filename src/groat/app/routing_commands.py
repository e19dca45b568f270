"""``groat routing``: explain a payment's route, and simulate other rules on past payments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.ids import MerchantId, PaymentId
from groat.payments.http.payments import PaymentDetailsView
from groat.routing.domain.rules import Rules
from groat.routing.domain.simulation import Simulation
from groat.routing.service import read_rules

app = typer.Typer(
    help="Explain the route of a payment, and simulate other routing rules on past payments.",
    no_args_is_help=True,
)
console = Console()

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]


@app.command()
def explain(
    merchant: Merchant,
    payment: Annotated[str, typer.Argument(help="The payment's id, as `pay_...`.")],
) -> None:
    """Print as JSON the rule that routed a payment, the accounts it considered, and all tries."""
    merchant_id = ids.parse_merchant(merchant)
    payment_id = PaymentId(ids.parse("payment", payment))
    print(json.dumps(with_engine(lambda engine: _explained(engine, merchant_id, payment_id))))


@app.command()
def simulate(
    merchant: Merchant,
    rules: Annotated[
        Path,
        typer.Argument(
            help="A JSON file in the form of the body of PUT /v1/routing-rules.",
            exists=True,
            dir_okay=False,
        ),
    ],
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Number of the newest payments to simulate.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Compare the accounts that past payments used with those that other rules would try first.

    The simulation assumes that every payment has a token for each provider, and that every provider
    is reachable. It changes nothing.
    """
    proposed = read_rules(rules.read_bytes())
    merchant_id = ids.parse_merchant(merchant)
    simulation = with_engine(lambda engine: _simulated(engine, merchant_id, proposed, limit))
    if as_json:
        print(json.dumps(_document(simulation)))
    else:
        render.simulation(console, simulation)


async def _explained(
    engine: Engine, merchant_id: MerchantId, payment_id: PaymentId
) -> dict[str, object]:
    details = await engine.payment_queries.payment(merchant_id, payment_id)
    view = PaymentDetailsView.of_details(details).model_dump(mode="json")
    return {
        "payment": view["id"],
        "status": view["status"],
        "provider_account": view["provider_account"],
        "decision": await engine.routing.explain(merchant_id, payment_id),
        "operations": view["operations"],
    }


async def _simulated(
    engine: Engine, merchant_id: MerchantId, rules: Rules, limit: int
) -> Simulation:
    past = await engine.payment_queries.past_payments(merchant_id, limit)
    return await engine.routing.simulate(merchant_id, rules, past)


def _document(simulation: Simulation) -> dict[str, object]:
    return {
        "payments": len(simulation.routes),
        "moved": simulation.moved,
        "first": {
            "none" if one is None else ids.render("provider_account", one): count
            for one, count in simulation.shares().items()
        },
    }
