"""From outside, over HTTP: what is not the provider's own word does not come in.

What is refused is refused with its reason. Nothing of it is stored, or repeated in the answer or in
the log, and it makes the engine call nobody but the host of PayPal's certificates.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from groat.simulator.signatures import stripe_signature
from tests.integration.inbox.connections import connections
from tests.integration.inbox.door import SECRET, Door
from tests.integration.inbox.paypal import (
    CERTIFICATES,
    TOGGLED,
    another_key,
    transmission,
    with_checksum,
)
from tests.support.world import Mail, World, without_answers

OTHER_SECRET = "whsec_of_another"

Headers = dict[str, str]


def stripe_event() -> bytes:
    return json.dumps({"id": f"evt_{uuid.uuid4().hex}", "type": "x.y"}).encode()


def paypal_event() -> bytes:
    return json.dumps({"id": f"WH-{uuid.uuid4()}", "event_type": "X.Y"}).encode()


def one_byte_changed(body: bytes) -> bytes:
    return body[:-3] + b"z" + body[-2:]


def serialised_anew(body: bytes) -> bytes:
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


CHANGES = [one_byte_changed, serialised_anew, b" ".__add__, lambda body: body[:-1], lambda _: b""]
NO_EVENTS = [b"\xff\xfe", b"{", b"[]", b'{"id": "1", "type": "\xff", "event_type": "\xff"}']


async def test_the_recorder_sees_calls_and_name_lookups(door: Door) -> None:
    """Otherwise that nobody was seen to be called would prove nothing."""
    with connections() as reached:
        async with httpx.AsyncClient() as http:
            await http.get(door.elsewhere.address)
            await http.get(door.elsewhere.address.replace("127.0.0.1", "localhost"))
    named = door.elsewhere.place.replace("127.0.0.1", "localhost")
    assert {door.elsewhere.place, named} <= reached


# Stripe


def signed(body: bytes, secret: str = SECRET, *, ahead: int = 0) -> str:
    return stripe_signature(secret, body, int(time.time()) + ahead)


def as_scheme(scheme: str, header: str) -> str:
    return header.replace("v1=", f"{scheme}=")


ZEROS = f"v1={'0' * 64}"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (lambda _: None, "signature_missing"),
        (lambda _: "", "signature_missing"),
        (lambda body: signed(body).partition(",")[0], "signature_missing"),
        (lambda body: as_scheme("v0", signed(body)), "signature_missing"),
        (lambda body: as_scheme("v11", signed(body)), "signature_missing"),
        (lambda body: signed(body).partition(",")[2], "signature_malformed"),
        (lambda body: signed(body).replace("t=", "t=-"), "signature_malformed"),
        (lambda body: signed(body).replace("t=", f"t={'9' * 5_000}"), "signature_malformed"),
        (lambda body: signed(body).replace(",", ";"), "signature_malformed"),
        (lambda body: f"{signed(body)},", "signature_malformed"),
        (lambda body: f"{signed(body)},v2={'x' * 8192}", "signature_malformed"),
        (lambda _: "\xff\xfe", "signature_malformed"),
        (lambda body: f"{signed(body).partition(',')[0]},v1=\xff\x80", "signature_mismatch"),
        (lambda body: signed(body, OTHER_SECRET), "signature_mismatch"),
        (lambda body: signed(body, SECRET.removeprefix("whsec_")), "signature_mismatch"),
        (lambda body: signed(body, ""), "signature_mismatch"),
        (lambda body: signed(body)[:-1], "signature_mismatch"),
        (lambda body: f"{as_scheme('v0', signed(body))},{ZEROS}", "signature_mismatch"),
        (lambda body: signed(body, ahead=-302), "timestamp_outside_tolerance"),
        (lambda body: signed(body, ahead=310), "timestamp_outside_tolerance"),
        (lambda body: signed(body, ahead=10**11), "timestamp_outside_tolerance"),
    ],
    ids=range(21),
)
async def test_a_delivery_without_a_stripe_signature_is_refused(
    door: Door, header: Callable[[bytes], str | None], code: str
) -> None:
    body = stripe_event()
    given = header(body)
    headers = {} if given is None else {"stripe-signature": given}
    await door.refused(door.stripe, headers, body, code)


async def test_a_stripe_signature_with_a_wrong_time_is_refused(door: Door) -> None:
    body = stripe_event()
    _, _, old = signed(body, ahead=-302).partition(",")
    headers = {"stripe-signature": f"t={int(time.time())},{old}"}
    await door.refused(door.stripe, headers, body, "signature_mismatch")


@pytest.mark.parametrize("change", CHANGES, ids=range(5))
async def test_a_body_changed_after_stripe_signed_it_is_refused(
    door: Door, change: Callable[[bytes], bytes]
) -> None:
    body = stripe_event()
    headers = {"stripe-signature": signed(body)}
    await door.refused(door.stripe, headers, change(body), "signature_mismatch")


@pytest.mark.parametrize("body", NO_EVENTS)
async def test_a_body_signed_by_stripe_that_is_no_event_is_refused(door: Door, body: bytes) -> None:
    await door.refused(door.stripe, {"stripe-signature": signed(body)}, body, "body_malformed")
    strange = {"stripe-signature": signed(body, OTHER_SECRET)}
    await door.refused(door.stripe, strange, body, "signature_mismatch")


@pytest.mark.parametrize("ahead", [0, -295, 295])
async def test_a_stripe_signature_is_valid_for_five_minutes(door: Door, ahead: int) -> None:
    body = stripe_event()
    await door.believed(door.stripe, {"stripe-signature": signed(body, ahead=ahead)}, body)


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0), (0, 49), (49, 0)])
async def test_one_valid_stripe_signature_is_enough(door: Door, before: int, after: int) -> None:
    """While its secrets are rolled Stripe sends several, and says nothing of their order."""
    body = stripe_event()
    moment, right = signed(body).split(",")
    header = ",".join([moment, *[ZEROS] * before, right, *[ZEROS] * after])
    await door.believed(door.stripe, {"stripe-signature": header}, body)


async def test_a_stripe_signature_can_stand_beside_other_schemes(door: Door) -> None:
    body = stripe_event()
    moment, right = signed(body).split(",")
    header = f"{moment},v0={'0' * 64},{right},v2=abc"
    await door.believed(door.stripe, {"stripe-signature": header}, body)


# PayPal

NAMES = ("transmission-id", "transmission-time", "transmission-sig", "cert-url", "auth-algo")


def spoiled(name: str, value: str | None) -> Callable[[Headers], Headers]:
    """Return what puts another value into a header, or takes it away."""

    def spoil(headers: Headers) -> Headers:
        rest = {known: one for known, one in headers.items() if known != f"paypal-{name}"}
        return rest if value is None else {**rest, f"paypal-{name}": value}

    return spoil


def well_signed(door: Door, body: bytes) -> Headers:
    return transmission(body, door.certificates.certificate("good"))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda _: {}, "signature_missing"),
        *((spoiled(name, None), "signature_missing") for name in NAMES),
        *((spoiled(name, ""), "signature_missing") for name in NAMES),
        *((spoiled(name, "\xff\x80"), "signature_malformed") for name in NAMES),
        *((spoiled(name, f"{'x' * 10_000}|"), "signature_malformed") for name in NAMES),
        (spoiled("transmission-sig", "not base 64"), "signature_malformed"),
        (spoiled("auth-algo", "SHA1withRSA"), "signature_malformed"),
        (spoiled("auth-algo", "none"), "signature_malformed"),
    ],
    ids=range(24),
)
async def test_a_delivery_without_the_paypal_headers_is_refused(
    door: Door, spoil: Callable[[Headers], Headers], code: str
) -> None:
    body = paypal_event()
    await door.refused(door.paypal, spoil(well_signed(door, body)), body, code)


async def test_a_valid_paypal_signature_is_accepted(door: Door) -> None:
    body, asked = paypal_event(), len(door.certificates.asked)
    await door.believed(door.paypal, well_signed(door, body), body)
    assert len(door.certificates.asked) == asked + 1


@pytest.mark.parametrize(
    "spoil",
    [
        spoiled("transmission-id", "69cd13f0-d67a-11e5-baa3-778b53f4ae55"),
        spoiled("transmission-time", "2016-02-18T20:01:35Z"),
        spoiled("transmission-sig", "c2ln"),
        spoiled("transmission-sig", "A" * 344),
    ],
    ids=range(4),
)
async def test_a_paypal_signature_of_another_transmission_is_refused(
    door: Door, spoil: Callable[[Headers], Headers]
) -> None:
    body = paypal_event()
    headers = spoil(well_signed(door, body))
    await door.refused(door.paypal, headers, body, "signature_mismatch", certificates=1)


@pytest.mark.parametrize("change", CHANGES, ids=range(5))
async def test_a_body_changed_after_paypal_signed_it_is_refused(
    door: Door, change: Callable[[bytes], bytes]
) -> None:
    body = paypal_event()
    headers = well_signed(door, body)
    await door.refused(door.paypal, headers, change(body), "signature_mismatch", certificates=1)


async def test_a_paypal_signature_with_a_wrong_key_or_webhook_is_refused(door: Door) -> None:
    body, url = paypal_event(), door.certificates.certificate
    for headers in (
        transmission(body, url("good"), key=another_key()),
        transmission(body, url("good"), webhook_id="8PT597110X687430L"),
        transmission(body, url("good"), webhook_id=""),
    ):
        await door.refused(door.paypal, headers, body, "signature_mismatch", certificates=1)


@pytest.mark.parametrize("body", NO_EVENTS)
async def test_a_body_signed_by_paypal_that_is_no_event_is_refused(door: Door, body: bytes) -> None:
    headers = well_signed(door, body)
    await door.refused(door.paypal, headers, body, "body_malformed", certificates=1)


@pytest.mark.parametrize("days", [-1, 1, 4])
async def test_a_transmission_is_accepted_with_any_time(door: Door, days: int) -> None:
    """PayPal tries for three days, and does not say that each try has a time of its own."""
    body, url = paypal_event(), door.certificates.certificate("good")
    await door.believed(door.paypal, transmission(body, url, age=timedelta(days=days)), body)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("expired", "certificate_invalid"),
        ("misnamed", "certificate_invalid"),
        ("strange", "certificate_invalid"),
        ("moved", "certificate_unavailable"),
        ("crowded", "certificate_unavailable"),
        ("garbled", "certificate_unavailable"),
        ("absent", "certificate_unavailable"),
    ],
)
async def test_a_transmission_with_an_untrusted_certificate_is_refused(
    door: Door, name: str, code: str
) -> None:
    """Each is of the key that signed, and is where PayPal's would be: nothing else is wrong."""
    body = paypal_event()
    headers = transmission(body, door.certificates.certificate(name))
    await door.refused(door.paypal, headers, body, code, certificates=1)


@pytest.mark.parametrize(
    "trick",
    [
        "http://{other}/v1/notifications/certs/good",
        "http://localhost:{port}/v1/notifications/certs/good",
        "https://{host}/v1/notifications/certs/good",
        "http://user@{host}/v1/notifications/certs/good",
        "http://{host}@{other}/v1/notifications/certs/good",
        "http://{host}.evil.example/v1/notifications/certs/good",
        "http://{host}/good",
        "http://{host}/v1/notifications/certs/",
        "http://{host}/v1/notifications/certs/../good",
        "http://{host}/v1/notifications/certs/./good",
        "http://{host}/v1/notifications/certs/x/../../good",
        "http://{host}/v1/notifications/certs/%2e%2e/good",
        "http://{host}/v1/notifications/certs/..%2fgood",
        "http://{host}/v1/notifications/certs/x%2fgood",
        "http://{host}/v1/notifications/certs\\good",
        "http://{host}//v1/notifications/certs/good",
        "http://{host}/v1/notifications/certs/good?a=b",
        "http://{host}/v1/notifications/certs/good#a",
        "https://api.paypal.com/v1/notifications/certs/good",
    ],
)
async def test_a_certificate_is_fetched_only_from_its_own_address(door: Door, trick: str) -> None:
    """Both hosts have a chain that is right in every way at each of these addresses."""
    host, port = door.certificates.place, door.certificates.place.partition(":")[2]
    url = trick.format(host=host, port=port, other=door.elsewhere.place)
    body = paypal_event()
    await door.refused(door.paypal, transmission(body, url), body, "certificate_not_allowed")


@pytest.mark.parametrize(
    "place",
    [
        "http://api.paypal.com",
        "https://evil.example",
        "https://api.paypal.com.evil.example",
        "https://evil-api.paypal.com",
        "https://www.paypal.com",
        "https://api.paypal.com:8443",
        "https://api.paypal.com:443",
        "https://user@api.paypal.com",
        "https://api.paypal.com@evil.example",
        "https://evil.example\\@api.paypal.com",
        "https://evil.example#@api.paypal.com",
        "https://evil.example/?@api.paypal.com",
        "https://api.paypal.com.",
        "https://127.0.0.1",
        "//api.paypal.com",
    ],
)
async def test_only_hosts_of_paypal_are_called(door: Door, place: str) -> None:
    body = paypal_event()
    headers = transmission(body, f"{place}{CERTIFICATES}CERT-360caa42-fca2a594")
    await door.refused(door.live, headers, body, "certificate_not_allowed")


async def test_a_live_paypal_account_accepts_no_certificate_of_a_simulator(door: Door) -> None:
    body = paypal_event()
    await door.refused(door.live, well_signed(door, body), body, "certificate_not_allowed")


# Another body of the same checksum, under a transmission that PayPal did make


def forged(genuine: Mail, **event: object) -> Mail:
    """Return another event that the signature of ``genuine`` fits."""
    named = {"id": "WH-FORGED", "event_type": "PAYMENT.CAPTURE.COMPLETED", **event}
    body = json.dumps({**named, "filler": TOGGLED.decode()}).encode()
    return replace(genuine, body=with_checksum(body, zlib.crc32(genuine.body)))


async def captured(world: World, wallet: str) -> Mail:
    account = world.paypal.account
    await world.pay(wallet, provider_account=account, payment_method="card:vault_visa")
    (mail,) = await world.posted_mail("PAYMENT.CAPTURE.COMPLETED")
    return mail


async def test_a_transmission_is_refused_for_a_second_event(world: World) -> None:
    genuine = await captured(world, await world.wallet())
    assert (await world.deliver(genuine)).status_code == 200
    answer = await world.deliver(forged(genuine, resource={"id": "MADEUP"}))
    assert (answer.status_code, answer.content and answer.json()["code"]) == (
        400,
        "transmission_reused",
    )
    assert [row[0] for row in await world.inbox()] == ["PAYMENT.CAPTURE.COMPLETED"]


@pytest.mark.parametrize("event_id", ["WH-FORGED", None])
async def test_a_forged_body_that_arrives_first_applies_only_the_facts_of_paypal(
    world: World, event_id: str | None
) -> None:
    """Nothing of the payment is applied yet: what the event says is asked of PayPal."""
    wallet = await world.wallet()
    async with without_answers(world) as hasty:
        genuine = await captured(hasty, wallet)
    await world.paypal.set_faults()
    event = json.loads(genuine.body)
    much = {**event["resource"], "amount": {"currency_code": "EUR", "value": "1000000.00"}}
    forgery = forged(genuine, resource=much, id=event_id or event["id"])
    assert (await world.deliver(forgery)).status_code == 200
    assert await world.balance(wallet) == 0
    await world.drain()
    assert await world.balance(wallet) == 1050
    assert [row[1:3] for row in await world.inbox()] == [("processed", None)]


async def test_the_genuine_event_is_stored_when_it_is_delivered_again_after_a_forgery(
    world: World,
) -> None:
    wallet = await world.wallet()
    await world.paypal.set_faults(answer="cut_after", duplicate=1.0)
    account = world.paypal.account
    await world.pay(wallet, provider_account=account, payment_method="card:vault_visa")
    await world.paypal.set_faults()
    first, second, *_ = await world.posted_mail("PAYMENT.CAPTURE.COMPLETED")
    assert first.body == second.body, "delivered again, with a transmission of its own"
    assert (await world.deliver(forged(first, resource={"id": "MADEUP"}))).status_code == 200
    answer = await world.deliver(first)
    assert (answer.status_code, answer.json()["code"]) == (400, "transmission_reused")
    await world.drain()
    assert await world.balance(wallet) == 0
    assert (await world.deliver(second)).status_code == 200
    await world.drain()
    assert await world.balance(wallet) == 1050


async def test_a_refused_delivery_does_not_block_the_genuine_one(world: World) -> None:
    """Neither its id nor its transmission is remembered: nobody has proved to have sent it."""
    wallet = await world.wallet()
    async with without_answers(world) as hasty:
        payment = await hasty.pay(wallet)
        paid = await captured(hasty, wallet)
    for site in (world.stripe, world.paypal):
        await site.set_faults()
    [mail] = [one for one in world.mailbox.mail if one.event_type == "payment_intent.succeeded"]
    for genuine in (mail, paid):
        tampered = replace(genuine, body=genuine.body.replace(b"10", b"99", 1))
        unsigned = replace(genuine, headers={"content-type": "application/json"})
        for refused in (tampered, unsigned, tampered):
            assert (await world.deliver(refused)).status_code == 400
    assert await world.inbox() == []
    for genuine in (mail, paid):
        assert (await world.deliver(genuine)).status_code == 200
    await world.drain()
    assert await world.balance(wallet) == 2 * 1050
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert {row[1:3] for row in await world.inbox()} == {("processed", None)}


# A secret that is replaced


@dataclass(frozen=True, slots=True)
class Rotation:
    """An account's credentials with given secrets, and how a delivery is signed with one."""

    credentials: Callable[[Door, str], dict[str, str]]
    sign: Callable[[Door, bytes, str], Headers]
    event: Callable[[], bytes]


def paypal_credentials(door: Door, webhook_ids: str) -> dict[str, str]:
    return {
        "client_id": "x",
        "client_secret": "x",
        "webhook_id": webhook_ids,
        "api_base": door.certificates.address,
        "certificate_root": door.certificates.root_pem,
    }


ROTATIONS = {
    "stripe": Rotation(
        lambda _, secrets: {"api_key": "sk", "webhook_secret": secrets},
        lambda _, body, secret: {"stripe-signature": signed(body, secret)},
        stripe_event,
    ),
    "paypal": Rotation(
        paypal_credentials,
        lambda door, body, webhook_id: transmission(
            body, door.certificates.certificate("good"), webhook_id=webhook_id
        ),
        paypal_event,
    ),
}


@pytest.mark.parametrize("provider", ROTATIONS)
async def test_a_secret_is_rotated_while_deliveries_arrive(
    door: Door, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is refused at any moment, be it signed with the old one, or with the new one."""
    monkeypatch.setattr("groat.providers.registry._FRESH_SECONDS", 0.0)
    rotation, name = ROTATIONS[provider], f"{provider} that rotates"

    async def put(secrets: str) -> str:
        return await door.put_account(provider, name, **rotation.credentials(door, secrets))

    async def delivered(secret: str) -> int:
        body = rotation.event()
        headers = rotation.sign(door, body, secret)
        return (await door.deliver(account, headers, body)).status_code

    account, before = await put("OLD"), await door.stored()
    for active, used in (("OLD,NEW", ["OLD"]), ("NEW,OLD", ["OLD", "NEW"]), ("NEW", ["NEW"])):
        putting = asyncio.create_task(put(active))
        statuses = await asyncio.gather(*(delivered(secret) for secret in used * 10))
        assert await putting == account
        assert set(statuses) == {200}
    assert await door.stored() == before + 40
    assert (await delivered("OLD"), await delivered("NEW")) == (400, 200)
