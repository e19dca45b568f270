"""After an outage: what the provider lists and nobody delivered is found, shown, and applied."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from groat.kernel import ids
from groat.providers.port import Envelope, EventPage, ListedEvent
from groat.providers.stripe.event_list import StripeEventList
from tests.support.payments import PROVIDERS, pay
from tests.support.soundness import assert_sound
from tests.support.world import OPERATOR, Payment, World, without_answers


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


async def backfill(world: World, provider: str, **body: object) -> httpx.Response:
    account = world.site(provider).account
    asked = {"since": ago(minutes=5), **body}
    return await world.api.post(f"/v1/provider-accounts/{account}/backfill", json=asked)


async def whole(world: World, provider: str, **body: object) -> list[dict[str, Any]]:
    """Return what came of every page."""
    found, cursor = [], None
    while True:
        answer = await backfill(world, provider, cursor=cursor, **body)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        cursor = found[-1]["next_cursor"]
        if cursor is None:
            return found


def have_stripe_list(monkeypatch: pytest.MonkeyPatch, page: EventPage) -> None:
    """Have Stripe's adapter answer with ``page``, such as its simulator never makes one."""

    async def list_events(*_: object) -> EventPage:
        return page

    monkeypatch.setattr(StripeEventList, "page", list_events)


async def unheard_of(world: World, provider: str) -> Payment:
    """Return a payment whose answer was lost, and of which no webhook will tell."""
    wallet = await world.wallet()
    async with without_answers(world):
        await world.site(provider).set_faults(answer="cut_after", drop=1.0)
        return await pay(world, wallet, provider)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_undelivered_event_is_fetched_and_applied(world: World, provider: str) -> None:
    payment = await unheard_of(world, provider)
    assert payment["status"] == "processing"
    added = [event for page in await whole(world, provider) for event in page["missing"]]
    assert added
    while await world.drain():
        pass
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    counted = await world.rows("select deliveries from provider_event")
    assert {count for (count,) in counted} == {0}
    assert sum(len(page["missing"]) for page in await whole(world, provider)) == 0
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_dry_run_shows_the_changes_and_stores_nothing(world: World, provider: str) -> None:
    payment = await unheard_of(world, provider)
    pages = await whole(world, provider, dry_run=True)
    changes = [
        change["action"]
        for page in pages
        for one in page["would_be"]
        for change in one["changes"]
        if change["object"] == payment["id"]
    ]
    assert "payment.captured" in changes
    assert await world.inbox() == []
    assert (await world.payment(payment["id"]))["status"] == "processing"


async def test_a_delivered_event_is_not_fetched(world: World) -> None:
    await world.pay(await world.wallet())
    mail = await world.posted_mail()
    await world.deliver_all(mail)
    known = {row[0] for row in await world.rows("select provider_reference from provider_event")}
    missing = {one for page in await whole(world, "stripe") for one in page["missing"]}
    assert len(known) == len(mail)
    assert not known & missing


async def test_a_backfill_has_an_audit_record(world: World) -> None:
    await unheard_of(world, "stripe")
    added = sum(len(page["missing"]) for page in await whole(world, "stripe"))
    account = world.stripe.account
    records = (await world.api.get("/v1/audit-records", params={"object": account})).json()["data"]
    told = [one["data"] for one in records if one["action"] == "provider_account.backfilled"]
    assert sum(one["events"] for one in told) == added > 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"since": ago(days=31)}, 422, "backfill_too_far_back"),
        ({"since": ago(days=-1), "until": ago(days=-2)}, 422, "invalid_span"),
        ({"since": ago(hours=1), "until": ago(hours=2)}, 422, "invalid_span"),
        ({"since": "2026-01-01"}, 422, "invalid_request"),
        ({"since": None}, 422, "invalid_request"),
    ],
)
async def test_an_invalid_period_is_refused(
    world: World, body: dict[str, object], status: int, code: str
) -> None:
    answer = await backfill(world, "stripe", **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_period_can_cover_the_whole_list_and_end_at_the_end_of_time(
    world: World, provider: str
) -> None:
    """Its start is a moment older than the list by the time that it is looked at."""
    whole_list = {"since": ago(days=30), "until": "2999-12-31T00:00:00-23:59"}
    answer = await backfill(world, provider, dry_run=True, **whole_list)
    assert answer.status_code == 200, answer.text


async def test_no_event_of_an_unknown_account_is_listed(world: World) -> None:
    stranger = ids.render("provider_account", ids.uuid7())
    answer = await world.api.post(
        f"/v1/provider-accounts/{stranger}/backfill", json={"since": ago(hours=1)}
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "provider_account_not_found")


async def test_an_unreachable_provider_is_reported(world: World) -> None:
    account = await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id),
        "stripe",
        "nobody home",
        {"api_key": "sk_1", "api_base": "http://127.0.0.1:9"},
    )
    answer = await world.api.post(
        f"/v1/provider-accounts/{ids.render('provider_account', account)}/backfill",
        json={"since": ago(hours=1)},
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")


async def test_the_command_backfills(world: World) -> None:
    payment = await unheard_of(world, "stripe")
    merchant = ids.render_merchant(world.merchant_id)
    line = ("inbox", "backfill", merchant, world.stripe.account, "--since", "5m")
    shown = await world.groat(*line, "--dry-run")
    assert "payment.captured" in shown.stdout, shown.stderr
    assert await world.inbox() == []
    done = await world.groat(*line, "--json")
    assert sum(len(page["missing"]) for page in json.loads(done.stdout)) == len(await world.inbox())
    while await world.drain():
        pass
    assert (await world.payment(payment["id"]))["status"] == "succeeded"


async def test_listed_events_that_cannot_be_stored_are_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [
        ListedEvent(Envelope(event_id, "x.y"), b'{"type": "x.y"}')
        for event_id in ("evt_\0", "evt_1")
    ]
    have_stripe_list(monkeypatch, EventPage(tuple(listed), None, unreadable=1))
    [page] = await whole(world, "stripe")
    assert (page["listed"], page["missing"], page["unreadable"]) == (1, ["evt_1"], 2)


async def test_an_endless_list_of_a_provider_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_stripe_list(monkeypatch, EventPage((), "the same"))
    cursor = (await backfill(world, "stripe")).json()["next_cursor"]
    answer = await backfill(world, "stripe", cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_foreign_cursor_is_refused(world: World, provider: str) -> None:
    for cursor in ("evt_1", "page_size=300", "ä", "A" * 4096):
        answer = await backfill(world, provider, cursor=cursor)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_a_cursor_of_another_list_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_stripe_list(monkeypatch, EventPage((), "further"))
    cursor = (await backfill(world, "stripe")).json()["next_cursor"]
    answer = await backfill(world, "paypal", cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_a_long_provider_cursor_is_returned_unchanged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    had: list[str | None] = []
    theirs = "ä" * 1024

    async def list_events(
        _provider: object, _since: object, _until: object, cursor: str | None
    ) -> EventPage:
        had.append(cursor)
        return EventPage((), None if cursor else theirs)

    monkeypatch.setattr(StripeEventList, "page", list_events)
    await whole(world, "stripe")
    assert had == [None, theirs]
