"""As a merchant I send a card number by mistake. Groat refuses it, and keeps it nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
import redis
from psycopg import sql

from tests.support.processes import Up, database_url, running_up

CARDS = {
    "visa": "4242424242424242",
    "visa_13": "4222222222222",
    "mastercard": "5555555555554444",
    "mastercard_2": "2223003122003222",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "30569309025904",
    "jcb": "3530111333300000",
    "unionpay": "6200000000000005",
    "maestro": "6759649826438453",
}
WIDE = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")


@pytest.fixture
def up(home: Path) -> Iterator[Up]:
    with running_up(home, GROAT_LOG_LEVEL="debug") as running:
        yield running


def forms(card: str) -> Iterator[str]:
    """Yield a card number as people write it."""
    yield card
    yield " ".join(card[at : at + 4] for at in range(0, len(card), 4))
    yield card.translate(WIDE)
    yield f"card {card} of Jane"


def attempts(up: Up, text: str) -> Iterator[httpx.Response]:
    """Send ``text`` in each part of a request."""
    order: dict[str, Any] = {"code": "wallet:x", "currency": "EUR"}
    yield up.api.post("/v1/accounts", json={**order, "metadata": {"note": text}})
    yield up.api.post("/v1/accounts", json={**order, "metadata": {text: "note"}})
    yield up.api.post("/v1/accounts", json={**order, "deep": [{"er": [{"still": text}]}]})
    yield up.api.post("/v1/payments", json={"payment_method": text})
    yield up.api.get("/v1/payments", params={"reference": text})
    yield up.api.get("/v1/payments", params={text: "x"})
    yield up.api.get(f"/v1/payments/{quote(text)}")
    yield up.api.get("/v1/payments", headers={b"x-order": text.encode()})


def kept(up: Up) -> str:
    """Return all that is kept: each row of each table, each value in Redis, and the logs."""
    texts = [one.read_text(errors="replace") for one in up.home.glob("**/*.log")]
    assert texts
    with psycopg.connect(database_url(up.home)) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'")
        for (table,) in tables.fetchall():
            rows = sql.SQL("select t::text from {} t").format(sql.Identifier(table))
            texts += [row for (row,) in connection.execute(rows)]
    running = json.loads((up.home / "running.json").read_text(encoding="utf-8"))
    with redis.Redis.from_url(running["redis_url"]) as client:
        for key in client.scan_iter():
            texts += [repr(key), repr(client.dump(key))]
    return "\n".join(texts)


def test_a_card_number_is_refused_in_every_form_and_kept_nowhere(up: Up) -> None:
    sent = [form for card in CARDS.values() for form in forms(card)]
    for text in sent:
        for answer in attempts(up, text):
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (422, "pan_detected"), problem
            assert text not in answer.text
    found = kept(up)
    assert "mer_" in found
    assert not [text for text in (*sent, *CARDS.values()) if text in found]
