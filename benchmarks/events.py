"""Measure events: how fast and how soon webhooks arrive, and their cost for payments.

The receiver is on this machine, like everything else. It answers at once and checks nothing.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.machine import described
from benchmarks.payments import WARM_UP, measured_round
from groat.app.settings import ALL_SETTINGS
from groat.app.stack import Stack, running_stack
from groat.app.wiring import Engine, open_engine
from groat.audit.domain.record import Change, Transition
from groat.kernel import ids
from groat.kernel.caller import Operator
from groat.kernel.ids import AccountId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.payment import PaymentOrder, PaymentTerms, new_payment
from groat.routing.domain.route import Route

BURST = 5_000
"""Number of events that are due at once."""

_IN_A_TRANSACTION = 500
_PER_SECOND = 100
_MANY = 100
"""Number of endpoints of which one hangs."""
_FANNED_PER_SECOND = 4
"""Events a second, each for all of the many endpoints."""
_FANNED = 12
"""Events in a round with many endpoints."""
_FANNED_PAIRS = 5
"""Pairs of rounds with many endpoints."""
_PATIENCE_SECONDS = 120.0
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class EventFigures:
    """The figures of a run.

    ``delivered_per_s`` is the rate for events that are all due at once. Times from commit to
    receipt are measured at 100 events a second, from the time in the event, just before its commit.
    ``cost_ratio`` is the median of pairs of rounds of payments: the rate with an endpoint that gets
    every event, divided by the rate without one. ``others_p99_ratio`` is the median
    of pairs of rounds too: the p99 of the times to 99 endpoints while one more accepts connections
    and never answers, divided by the p99 while that one answers as well.
    """

    delivered: int
    delivered_per_s: float
    commit_to_receipt_p50_ms: float
    commit_to_receipt_p99_ms: float
    cost_ratio: float
    cost_ratios: list[float]
    others_p99_ratio: float
    others_p99_ratios: list[float]
    others_p99_ms: float
    others_p99_with_one_hanging_ms: float
    machine: str


@dataclass
class Receiver:
    """Keeps the time at which each event arrived at each path, and the time in the event.

    At ``hanging_url`` connections are accepted, and requests are never answered.
    """

    url: str = ""
    hanging_url: str = ""
    arrived: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                [length] = [
                    int(line.partition(b":")[2])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ]
                event = json.loads(await reader.readexactly(length))
                path = head.split(b" ", 2)[1].decode()
                self.arrived.setdefault((path, event["id"]), (time.time(), event["created"]))
                writer.write(_ANSWER)
        except asyncio.IncompleteReadError:
            writer.close()

    async def hang(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read what arrives, and never answer."""
        await reader.read()
        writer.close()


def main(
    seconds: Annotated[int, typer.Option(min=1, help="Seconds at 100 events a second.")] = 20,
    payments: Annotated[int, typer.Option(min=50, help="Payments in a round.")] = 300,
    pairs: Annotated[int, typer.Option(min=1, max=20, help="Pairs of rounds of payments.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the delivery of events, and its cost for payments."""
    notes = Console(stderr=True)
    with tempfile.TemporaryDirectory() as home, Progress(console=notes, transient=True) as progress:
        task = progress.add_task("Starting", total=None)

        def say(text: str) -> None:
            progress.update(task, description=text)

        settings = ALL_SETTINGS(home=Path(home) / "home")
        with (
            _receiving() as receiver,
            running_stack(settings, merchant="Benchmark", ephemeral=True, say=say) as stack,
        ):
            figures = asyncio.run(_measure(stack, receiver, seconds, payments, pairs, say))
    if as_json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - the command prints its result
    else:
        Console().print(_table(figures))


@contextmanager
def _receiving() -> Iterator[Receiver]:
    """Run a receiver in a thread of its own."""
    receiver, ready, loop = Receiver(), threading.Event(), asyncio.new_event_loop()
    servers: list[asyncio.Server] = []

    async def listen() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        hanging = await asyncio.start_server(receiver.hang, "127.0.0.1", 0)
        servers.extend((server, hanging))
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        receiver.hanging_url = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/"
        ready.set()

    def run() -> None:
        loop.run_until_complete(listen())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    yield receiver
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


async def _measure(
    stack: Stack,
    receiver: Receiver,
    seconds: int,
    payments: int,
    pairs: int,
    say: Callable[[str], None],
) -> EventFigures:
    headers = {"authorization": f"Bearer {stack.merchant.api_key}"}
    async with (
        httpx.AsyncClient(base_url=stack.api, headers=headers, timeout=60) as api,
        open_engine(stack.settings) as engine,
    ):
        answer = await api.post("/v1/webhook-endpoints", json={"url": receiver.url})
        endpoint = f"/v1/webhook-endpoints/{answer.raise_for_status().json()['id']}"
        say("Warming up")
        await _written(engine, stack, _IN_A_TRANSACTION)
        await _until_arrived(receiver, _IN_A_TRANSACTION)
        say(f"Delivering {BURST:,} events")
        rate = await _burst(engine, stack, receiver)
        say(f"Writing {_PER_SECOND} events a second")
        delays = await _paced(engine, stack, receiver, seconds)
        ratios = []
        for number in range(pairs):
            say(f"Taking payments, pair {number + 1} of {pairs}")
            ratios.append(await _pair(stack, api, endpoint, number, payments))
        say(f"Delivering to {_MANY} endpoints, of which one hangs")
        others = await _others(engine, stack, api, endpoint, receiver)
    hundredths = statistics.quantiles(delays, n=100)
    return EventFigures(
        BURST,
        round(rate, 1),
        round(hundredths[49] * 1000, 1),
        round(hundredths[98] * 1000, 1),
        round(statistics.median(ratios), 3),
        [round(ratio, 3) for ratio in ratios],
        round(statistics.median(beside / alone for alone, beside in others), 3),
        [round(beside / alone, 3) for alone, beside in others],
        round(statistics.median(alone for alone, _ in others) * 1000, 1),
        round(statistics.median(beside for _, beside in others) * 1000, 1),
        described(),
    )


async def _burst(engine: Engine, stack: Stack, receiver: Receiver) -> float:
    receiver.arrived.clear()
    started = time.time()
    await _written(engine, stack, BURST)
    await _until_arrived(receiver, BURST)
    return BURST / (max(at for at, _ in receiver.arrived.values()) - started)


async def _paced(engine: Engine, stack: Stack, receiver: Receiver, seconds: int) -> list[float]:
    receiver.arrived.clear()
    events, started = seconds * _PER_SECOND, time.monotonic()
    for number in range(events):
        await _written(engine, stack, 1)
        await asyncio.sleep(max(0.0, started + (number + 1) / _PER_SECOND - time.monotonic()))
    await _until_arrived(receiver, events)
    return [
        at - datetime.fromisoformat(created).timestamp()
        for at, created in receiver.arrived.values()
    ]


async def _pair(
    stack: Stack, api: httpx.AsyncClient, endpoint: str, number: int, payments: int
) -> float:
    """Return the rate of payments with the endpoint, divided by the rate without it."""
    rates: dict[bool, float] = {}
    for enabled in (number % 2 == 0, number % 2 == 1):
        (await api.patch(endpoint, json={"enabled": enabled})).raise_for_status()
        label = f"pair-{number}-{'with' if enabled else 'without'}"
        await measured_round(stack, f"warm-{label}", WARM_UP, lambda _: None)
        rates[enabled] = await measured_round(stack, label, payments, lambda _: None)
    return rates[True] / rates[False]


async def _others(
    engine: Engine, stack: Stack, api: httpx.AsyncClient, last: str, receiver: Receiver
) -> list[tuple[float, float]]:
    """Return pairs of p99 of the times to all endpoints but the last: it answers, or it hangs."""
    for number in range(_MANY - 1):
        answer = await api.post("/v1/webhook-endpoints", json={"url": f"{receiver.url}{number}"})
        answer.raise_for_status()
    healthy = f"{receiver.url}{_MANY - 1}"
    (await api.patch(last, json={"url": healthy, "enabled": True})).raise_for_status()
    await _fanned(engine, stack, receiver)  # opens the connections
    found = []
    for number in range(_FANNED_PAIRS):
        p99: dict[bool, float] = {}
        for hangs in (number % 2 == 1, number % 2 == 0):
            url = receiver.hanging_url if hangs else healthy
            (await api.patch(last, json={"url": url})).raise_for_status()
            delays = await _fanned(engine, stack, receiver)
            p99[hangs] = statistics.quantiles(delays, n=100)[98]
        found.append((p99[False], p99[True]))
    return found


async def _fanned(engine: Engine, stack: Stack, receiver: Receiver) -> list[float]:
    """Write a round of events; return the times until all endpoints but the last have them."""
    since, started = datetime.now(UTC), time.monotonic()
    for number in range(_FANNED):
        await _written(engine, stack, 1)
        next_at = started + (number + 1) / _FANNED_PER_SECOND
        await asyncio.sleep(max(0.0, next_at - time.monotonic()))
    last, limit = f"/{_MANY - 1}", time.monotonic() + _PATIENCE_SECONDS
    while True:
        delays = [
            at - datetime.fromisoformat(created).timestamp()
            for (path, _), (at, created) in list(receiver.arrived.items())
            if path != last and datetime.fromisoformat(created) >= since
        ]
        if len(delays) == _FANNED * (_MANY - 1):
            return delays
        if time.monotonic() > limit:
            raise TimeoutError(f"{len(delays)} of {_FANNED * (_MANY - 1)} deliveries arrived")
        await asyncio.sleep(0.1)


async def _written(engine: Engine, stack: Stack, events: int) -> None:
    """Write changes that are told, as the payments room does, and nothing else."""
    caller = Operator("benchmark").acting_for(stack.merchant.merchant_id)
    route = Route.direct(ProviderAccountId(ids.uuid7()), "pm_card_visa")
    terms = PaymentTerms(Money(1050, "EUR"), AccountId(ids.uuid7()))
    for first in range(0, events, _IN_A_TRANSACTION):
        now = datetime.now(UTC)
        changes = []
        for _ in range(min(_IN_A_TRANSACTION, events - first)):
            payment = new_payment(PaymentId(ids.uuid7()), PaymentOrder(terms, route), now)
            created: dict[str, Any] = {"status": payment.status.value}
            action = PaymentAction.CREATED
            change = Change.by(caller, action, "payment", payment.id, **created)
            changes.append(replace(change, transition=Transition(None, payment)))
        async with engine.database.transaction() as connection:
            await engine.audit.write(connection, caller.merchant_id, changes, now)


async def _until_arrived(receiver: Receiver, events: int) -> None:
    limit = time.monotonic() + _PATIENCE_SECONDS
    while len(receiver.arrived) < events:
        if time.monotonic() > limit:
            raise TimeoutError(f"{len(receiver.arrived)} of {events} events arrived")
        await asyncio.sleep(0.01)


def _table(figures: EventFigures) -> Table:
    table = Table(title="Events", show_header=False)
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), str(value))
    return table
