"""Deliveries: every event reaches its endpoints, or it is visible why not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
from starlette.responses import Response

from groat.notifications.service.sender import PLACES
from groat.platform.process.due_work import DueWork
from tests.support.feed import all_events, place_all
from tests.support.http_servers import until
from tests.support.soundness import assert_sound
from tests.support.webhook_receiver import (
    Receiver,
    add_endpoint,
    pass_time,
    receiving,
    send_all,
)
from tests.support.world import World


async def deliveries(world: World, endpoint: Mapping[str, Any], **query: str) -> list[Any]:
    """Return the deliveries to an endpoint, oldest event first."""
    path = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
    answer = await world.api.get(path, params={"limit": "100", **query})
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["data"]
    return found[::-1]


async def details(world: World, endpoint: Mapping[str, Any], event: str) -> dict[str, Any]:
    path = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries/{event}"
    found: dict[str, Any] = (await world.api.get(path)).json()
    return found


async def state(world: World, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await world.api.get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
    return found


def recovery(revived: int, added: int) -> dict[str, object]:
    return {"object": "webhook_endpoint_recovery", "revived": revived, "added": added}


async def test_an_endpoint_gets_the_events_of_its_types_as_the_feed_has_them(
    hooked: World, receiver: Receiver
) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.*")
    payment = await hooked.pay(await hooked.wallet())
    await hooked.refund(payment)
    await send_all(hooked)
    feed = await all_events(hooked, type="payment.*")
    assert [one.event for one in receiver.arrived] == feed
    for one, event in zip(receiver.arrived, feed, strict=True):
        one.verify(endpoint["secret"])
        assert one.headers["webhook-id"] == event["id"]
    assert {one["status"] for one in await deliveries(hooked, endpoint)} == {"delivered"}
    await assert_sound(hooked)


async def test_both_secrets_sign_during_a_rotation(hooked: World, receiver: Receiver) -> None:
    endpoint = await add_endpoint(hooked, receiver.url)
    path = f"webhook-endpoints/{endpoint['id']}"
    rotated = (await hooked.ask(f"{path}/rotate-secret")).json()
    await hooked.ask(f"{path}/test")
    await send_all(hooked)
    ended = (await hooked.ask(f"{path}/rotate-secret", {"keep_seconds": 0})).json()
    await hooked.ask(f"{path}/test")
    await send_all(hooked)
    both, last = receiver.arrived
    both.verify(endpoint["secret"])
    both.verify(rotated["secret"])
    last.verify(ended["secret"])
    last.verify(endpoint["secret"])  # its own end is a day ahead
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        last.verify(rotated["secret"])


async def test_a_test_event_goes_to_its_endpoint_alone(hooked: World, receiver: Receiver) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.succeeded")
    async with receiving() as other:
        await add_endpoint(hooked, other.url, "*")
        answer = await hooked.ask(f"webhook-endpoints/{endpoint['id']}/test")
        await send_all(hooked)
        assert other.arrived == []
    [arrived] = receiver.arrived
    assert arrived.event["id"] == answer.json()["event"]
    assert arrived.event["type"] == "webhook_endpoint.test"
    assert "secret" not in arrived.event["data"]


@pytest.mark.parametrize("status", [301, 307, 400, 404, 500, 503])
async def test_an_answer_that_is_no_success_is_retried(
    hooked: World, receiver: Receiver, status: int
) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    refused = Response("no", status, headers={"location": receiver.url})
    receiver.answers = [refused]
    await hooked.pay(await hooked.wallet())
    await send_all(hooked)
    [delivery] = await deliveries(hooked, endpoint)
    assert delivery["status"] == "retrying"
    waits = datetime.fromisoformat(delivery["due_at"]) - datetime.now(UTC)
    assert timedelta(seconds=1) < waits <= timedelta(seconds=5)
    await pass_time(hooked, "6 seconds")
    await send_all(hooked)
    found = await details(hooked, endpoint, delivery["event"])
    assert (found["status"], found["attempts"]) == ("delivered", 2)
    assert [one["status_code"] for one in found["log"]] == [status, 200]
    assert found["log"][0]["answer"] == "no"
    one, two = receiver.arrived
    assert one.headers["webhook-id"] == two.headers["webhook-id"]


async def test_retry_after_is_honoured(hooked: World, receiver: Receiver) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    receiver.answers = [Response(status_code=429, headers={"retry-after": "3600"})]
    await hooked.pay(await hooked.wallet())
    await send_all(hooked)
    [delivery] = await deliveries(hooked, endpoint)
    waits = datetime.fromisoformat(delivery["due_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < waits <= timedelta(hours=1)


async def test_gone_disables_the_endpoint_and_is_an_event(
    hooked: World, receiver: Receiver
) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    receiver.status = 410
    await hooked.pay(await hooked.wallet())
    await send_all(hooked)
    assert (await state(hooked, endpoint))["status"] == "disabled"
    [delivery] = await deliveries(hooked, endpoint)
    assert delivery["status"] == "dead"
    [event] = await all_events(hooked, type="webhook_endpoint.*")
    assert event["type"] == "webhook_endpoint.disabled"
    assert event["previous"] == {"status": "enabled", "failing_since": None}
    await hooked.pay(await hooked.wallet("wallet:b"))
    await send_all(hooked)
    assert len(await deliveries(hooked, endpoint)) == 1


async def test_events_of_one_object_are_delivered_in_order(
    hooked: World, receiver: Receiver
) -> None:
    """The first event of a payment fails: its others wait, those of another payment do not."""
    await add_endpoint(hooked, receiver.url)
    wallet = await hooked.wallet()
    receiver.answers = [Response(status_code=500)]
    failing = await hooked.pay(wallet)
    await place_all(hooked)
    assert await hooked.engine.sender.send_batch() == 1
    await hooked.engine.sender.quiet()
    other = await hooked.pay(wallet)
    await send_all(hooked)
    later = [one.event["subject"] for one in receiver.arrived[1:]]
    assert later == [{"id": other["id"], "sequence": sequence} for sequence in (1, 2)]
    await pass_time(hooked, "1 minute")
    await send_all(hooked)
    later = [one.event["subject"] for one in receiver.arrived[3:]]
    assert later == [{"id": failing["id"], "sequence": sequence} for sequence in (1, 2)]


async def test_an_event_that_keeps_failing_no_longer_holds_up_its_object(
    hooked: World, receiver: Receiver
) -> None:
    await add_endpoint(hooked, receiver.url)
    receiver.answers = [Response(status_code=500) for _ in range(5)]
    await hooked.pay(await hooked.wallet())
    for _ in range(5):
        await send_all(hooked)
        await pass_time(hooked, "5 minutes")
    await hooked.rows("update delivery set due_at = now() + interval '1 day' where attempts > 0")
    await send_all(hooked)
    assert receiver.types[-1] == "payment.succeeded"


async def test_a_receiver_that_was_down_for_three_days_gets_every_event(
    hooked: World, receiver: Receiver
) -> None:
    """The endpoint is paused after a day; once it is enabled, all events arrive, or are listed."""
    endpoint = await add_endpoint(hooked, receiver.url)
    wallet = await hooked.wallet()
    receiver.status = 503
    await hooked.pay(wallet)
    for _ in range(36):
        await send_all(hooked)
        await pass_time(hooked, "2 hours")
    await hooked.pay(wallet)
    await send_all(hooked)
    assert (await state(hooked, endpoint))["status"] == "paused"
    [event] = await all_events(hooked, type="webhook_endpoint.*")
    assert event["type"] == "webhook_endpoint.paused"
    waiting = await deliveries(hooked, endpoint)
    assert {one["status"] for one in waiting} <= {"pending", "retrying"}
    receiver.status = 200
    receiver.arrived.clear()
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    enabled = await hooked.api.patch(path, json={"enabled": True})
    assert (enabled.json()["status"], enabled.json()["failing_since"]) == ("enabled", None)
    await pass_time(hooked, "1 day")
    await send_all(hooked)
    feed = await all_events(hooked)
    assert sorted(one.event["id"] for one in receiver.arrived) == sorted(one["id"] for one in feed)


async def test_a_delivery_is_dead_after_three_days_and_can_be_recovered(
    hooked: World, receiver: Receiver
) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    receiver.status = 500
    await hooked.pay(await hooked.wallet())
    await send_all(hooked)
    await pass_time(hooked, "72 hours")
    await hooked.rows("update webhook_endpoint set failing_since = now()")
    await send_all(hooked)
    [dead] = await deliveries(hooked, endpoint, status="dead")
    assert dead["due_at"] is None
    receiver.status = 200
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    path = f"webhook-endpoints/{endpoint['id']}/recover"
    assert (await hooked.ask(path, {"since": since})).json() == recovery(revived=1, added=0)
    await send_all(hooked)
    assert (await details(hooked, endpoint, dead["event"]))["status"] == "delivered"


async def test_missing_events_are_replayed_to_a_new_endpoint(
    hooked: World, receiver: Receiver
) -> None:
    await hooked.pay(await hooked.wallet())
    await place_all(hooked)
    endpoint = await add_endpoint(hooked, receiver.url, "payment.succeeded")
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    path = f"webhook-endpoints/{endpoint['id']}/recover"
    for added in (1, 0):
        answer = await hooked.ask(path, {"since": since, "missing": True})
        assert answer.json() == recovery(revived=0, added=added)
    await send_all(hooked)
    assert receiver.types == ["payment.succeeded"]


async def test_one_delivery_is_sent_again_on_request(hooked: World, receiver: Receiver) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    await hooked.pay(await hooked.wallet())
    await send_all(hooked)
    [delivery] = await deliveries(hooked, endpoint)
    path = f"webhook-endpoints/{endpoint['id']}/deliveries/{delivery['event']}/resend"
    assert (await hooked.ask(path)).json()["status"] == "pending"
    await send_all(hooked)
    one, two = receiver.arrived
    assert one.body == two.body
    assert len((await details(hooked, endpoint, delivery["event"]))["log"]) == 2


async def test_an_endpoint_that_does_not_answer_delays_no_other(
    hooked: World, receiver: Receiver
) -> None:
    async with receiving() as hanging:
        hanging.open.clear()
        await add_endpoint(hooked, hanging.url)
        await add_endpoint(hooked, receiver.url)
        wallet = await hooked.wallet()
        for _ in range(PLACES + 5):
            await hooked.pay(wallet)
        await place_all(hooked)
        sender = hooked.engine.sender
        work = DueWork("d", sender.send_batch, poll_seconds=0.05, wanted=sender.wanted)
        running = asyncio.create_task(work.poll())
        await until(lambda: len(receiver.arrived) == 2 * (PLACES + 5))
        assert len(hanging.arrived) == PLACES
        hanging.open.set()
        await work.stop()
        await sender.quiet()
        running.cancel()


async def test_a_worker_whose_lease_expired_settles_nothing(
    hooked: World, receiver: Receiver
) -> None:
    """A second worker claims the delivery of one that stalls. Only the second's result counts."""
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    receiver.open.clear()
    await hooked.pay(await hooked.wallet())
    await place_all(hooked)
    receiver.answers = [Response(status_code=500), Response(status_code=200)]
    assert await hooked.engine.sender.send_batch() == 1
    await until(lambda: bool(receiver.arrived))
    await pass_time(hooked, "1 minute")
    assert await hooked.engine.sender.send_batch() == 1
    receiver.open.set()
    await hooked.engine.sender.quiet()
    [delivery] = await deliveries(hooked, endpoint)
    found = await details(hooked, endpoint, delivery["event"])
    assert found["attempts"] == len(found["log"]) == 2
    second = next(one for one in found["log"] if one["number"] == 2)
    assert (found["status"] == "delivered") == (second["status_code"] == 200)


async def test_a_connection_that_is_refused_is_logged(hooked: World) -> None:
    async with receiving() as receiver:
        url = receiver.url
    endpoint = await add_endpoint(hooked, url, "payment.created")
    await hooked.pay(await hooked.wallet())
    await send_all(hooked)
    [delivery] = await deliveries(hooked, endpoint)
    [attempt] = (await details(hooked, endpoint, delivery["event"]))["log"]
    assert attempt["status_code"] is None
    assert attempt["error"].startswith("no connection: ")


async def test_a_long_answer_is_cut(hooked: World, receiver: Receiver) -> None:
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    receiver.answers = [Response("x" * 10_000_000)]
    await hooked.pay(await hooked.wallet())
    await send_all(hooked)
    [delivery] = await deliveries(hooked, endpoint)
    [attempt] = (await details(hooked, endpoint, delivery["event"]))["log"]
    assert (attempt["status_code"], attempt["answer"]) == (200, "x" * 500)


async def test_secrets_are_stored_encrypted(hooked: World, receiver: Receiver) -> None:
    endpoint = await add_endpoint(hooked, receiver.url)
    [(stored,)] = await hooked.rows("select secrets from webhook_endpoint")
    assert endpoint["secret"].removeprefix("whsec_").encode() not in bytes(stored)
    assert "secret" not in await state(hooked, endpoint)
    records = await hooked.rows("select convert_from(body, 'UTF8') from audit_record")
    assert not [body for (body,) in records if endpoint["secret"] in body]
