"""What real processes log when something raises: enough to find it, and nothing that is secret.

An installed adapter raises whatever it was given, and a trigger has PostgreSQL repeat a whole row.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from groat.kernel import ids
from groat.merchants.domain.credentials import ApiKey
from groat.platform.embedded.places import free_port
from tests.support.keyed import give_key_async
from tests.support.processes import groat, running, until
from tests.support.world import World

CREDENTIAL = "sk_live_credential_of_the_merchant"
TOKEN = "pm_token_of_the_customer"
BODY = "something-of-the-body"
SIGNATURE = "t=1,v1=signature-of-the-webhook"

ADAPTER = """
from groat.providers.port import Envelope
from groat.providers.stripe.adapter import StripeProvider
from groat.providers.stripe.operations import StripeOperations


class Operations(StripeOperations):
    async def authorize(self, request):
        try:
            raise ValueError(f"{self.given} {request}")
        except ValueError as error:
            raise LookupError(request.payment_method, self.given) from error


class Webhooks:
    def __init__(self, given):
        self.given = given

    async def verify(self, headers, body, now):
        if body.startswith(b"raise"):
            raise ExceptionGroup(str(headers), [ValueError(body), KeyError(str(self.given))])
        return None

    def envelope(self, headers, body):
        return Envelope("evt_1", "x.y")

    def read(self, event_type, body):
        return None

    async def interpret(self, event_type, body):
        error = RuntimeError(body)
        error.add_note(str(self.given))
        raise error


class Raiser(StripeProvider):
    def __init__(self, credentials, *, timeout_seconds):
        super().__init__(credentials, timeout_seconds=timeout_seconds)
        self.operations = Operations(self._client, self.lookups)
        self.operations.given = dict(credentials)
        self.webhooks = Webhooks(dict(credentials))
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A directory with an installed adapter that raises."""
    place = tmp_path / "plugins"
    metadata = place / "raiser-1.0.dist-info"
    metadata.mkdir(parents=True)
    (place / "raiser.py").write_text(ADAPTER)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: raiser\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[groat.providers]\nraiser = raiser:Raiser\n")
    return place


async def provider_account(world: World, home: Path, told: dict[str, str]) -> str:
    """Make an account at the provider whose adapter raises; return its id."""
    merchant = ids.render_merchant(world.merchant_id)
    line = ["provider-accounts", "put", merchant, "raiser", "Raiser", "--create"]
    credentials = json.dumps({"api_key": CREDENTIAL, "webhook_secret": "whsec_" + CREDENTIAL})
    made = await asyncio.to_thread(groat, home, *line, stdin=credentials, **told)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().rpartition("/")[2]


async def everything_fails(world: World, api: httpx.AsyncClient, account: str) -> None:
    """Let an adapter raise in a payment, at the door and in a worker, and PostgreSQL in a route."""
    order = world.order(
        await world.wallet(), provider_account=account, payment_method=TOKEN, reference=BODY
    )
    taken = await api.post("/v1/payments", json=order)
    assert (taken.status_code, taken.json()["status"]) == (201, "processing")
    door = f"/webhooks/{ids.render_merchant(world.merchant_id)}/{account}"
    headers = {"stripe-signature": SIGNATURE}
    assert (await api.post(door, content=f"raise {BODY}", headers=headers)).status_code == 500
    assert (await api.post(door, content=f"keep {BODY}", headers=headers)).status_code == 200
    await world.rows(
        "create function repeat_row() returns trigger language plpgsql as"
        " $$ begin raise exception 'row: %%', new; end $$"
    )
    await world.rows(
        "create trigger repeating before insert on account for each row"
        " execute function repeat_row()"
    )
    failed = await api.post(
        "/v1/accounts", json={"code": "wallet:x", "currency": "EUR", "metadata": {"a": BODY}}
    )
    assert (failed.status_code, failed.json()["code"]) == (500, "internal_error")
    assert BODY not in failed.text


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_an_exception_is_logged_without_key_token_or_body(
    world: World, plugins: Path, tmp_path: Path, log_format: str
) -> None:
    port, logs = free_port(), {name: tmp_path / f"{name}.log" for name in ("api", "worker")}
    told = {
        "GROAT_API_PORT": str(port),
        "GROAT_LOG_FORMAT": log_format,
        "PYTHONPATH": str(plugins),
        **world.variables,
    }
    account = await provider_account(world, tmp_path, told)
    base = f"http://127.0.0.1:{port}"
    authorization = {"authorization": f"Bearer {world.api_key}"}
    with (
        running(tmp_path, "api", logs["api"], **told),
        running(tmp_path, "worker", logs["worker"], **told),
    ):
        hooks = {"request": [give_key_async]}
        async with httpx.AsyncClient(
            base_url=base, headers=authorization, timeout=30, event_hooks=hooks
        ) as api:
            await asyncio.to_thread(until, lambda: _is_up(base), "the API")
            await everything_fails(world, api, account)
        await asyncio.to_thread(
            until, lambda: "adapter_raised" in logs["worker"].read_text(), "the worker"
        )
    said = {name: log.read_text() for name, log in logs.items()}
    secret = ApiKey.parse(world.api_key).secret
    for text in said.values():
        for word in (world.api_key, secret, CREDENTIAL, TOKEN, BODY, SIGNATURE):
            assert word not in text, (word, text)
    for event in ("adapter_raised", "delivery_failed", "request_failed"):
        assert event in said["api"]
    for clue in ("LookupError", "ValueError", "ExceptionGroup", "raiser.py", "sqlstate=P0001"):
        assert clue in said["api"], clue
    assert "RuntimeError" in said["worker"]


def _is_up(base: str) -> bool:
    try:
        return httpx.get(f"{base}/healthz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
