"""The pages for people, as a browser without any credentials gets them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from groat.simulator.faults import FaultPlan
from groat.simulator.overview import SHOWN_MAX, tone
from groat.simulator.pages import harmless
from tests.simulator.page import Page
from tests.simulator.paypal import shop as paypal
from tests.support.http_servers import Receiver, settled

Scene: TypeAlias = Callable[[httpx.AsyncClient, int], Awaitable[str]]
"""Makes a payment, of a number that no other has, and returns its id."""

HOSTILE = "<script>alert('1')</script>&amp;\x00\x1b[31m\u202e\u2066\n\x7f \ufeff"


async def look(http: httpx.AsyncClient) -> Page:
    """Return the page as anyone gets it."""
    async with httpx.AsyncClient(base_url=http.base_url) as browser:
        reply = await browser.get("/_simulator")
    assert reply.status_code == 200
    return Page(reply.text)


async def press(http: httpx.AsyncClient, trigger: str, identifier: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=http.base_url) as browser:
        return await browser.post("/_simulator/pull", data={"trigger": trigger, "id": identifier})


async def intent(
    http: httpx.AsyncClient, method: str = "visa", reference: str = "pay_1", **more: str
) -> str:
    form = {
        "amount": "1050",
        "currency": "eur",
        "confirm": "true",
        "payment_method": f"pm_card_{method}",
        "metadata[groat_payment]": reference,
        "capture_method": "automatic",
        **more,
    }
    reply = (await http.post("/v1/payment_intents", data=form)).json()
    identifier: str = (reply.get("error", {}).get("payment_intent") or reply)["id"]
    return identifier


def charged(method: str, **more: str) -> Scene:
    async def act(http: httpx.AsyncClient, _: int) -> str:
        return await intent(http, method, **more)

    return act


async def captured(http: httpx.AsyncClient, _: int) -> str:
    identifier = await intent(http, capture_method="manual")
    await http.post(f"/v1/payment_intents/{identifier}/capture")
    return identifier


def refunded(method: str) -> Scene:
    async def act(http: httpx.AsyncClient, _: int) -> str:
        identifier = await intent(http, method)
        await http.post("/v1/refunds", data={"payment_intent": identifier, "amount": "50"})
        return identifier

    return act


async def dispute_lost(http: httpx.AsyncClient, _: int) -> str:
    identifier = await intent(http, "createDispute")
    await http.post("/_simulator/triggers/dispute_lost", json={"id": identifier})
    return identifier


STRIPE_SCENES: dict[str, tuple[Scene, set[str]]] = {
    "charged": (charged("visa"), {"dispute", "inquiry"}),
    "movement late": (
        charged("visa", capture_method="automatic_async"),
        {"dispute", "inquiry", "book_movement", "book_untold_movement"},
    ),
    "declined": (charged("chargeDeclined"), set()),
    "authorized": (charged("visa", capture_method="manual"), {"expire"}),
    "captured": (captured, {"dispute", "inquiry"}),
    "waiting": (charged("authenticationRequired"), {"complete_action", "fail_action"}),
    "refunded": (refunded("visa"), {"dispute", "inquiry", "refund_fails"}),
    "refund pending": (
        refunded("pendingRefund"),
        {"dispute", "inquiry", "refund_succeeds", "refund_fails"},
    ),
    "disputed": (charged("createDispute"), {"dispute_won", "dispute_lost"}),
    "dispute lost": (dispute_lost, {"dispute_won_after_all"}),
    "inquiry": (charged("createDisputeInquiry"), {"inquiry_escalates", "inquiry_closes"}),
}


@pytest.mark.parametrize("name", STRIPE_SCENES)
async def test_stripe_offers_exactly_the_possible_triggers(
    stripe_http: httpx.AsyncClient, name: str
) -> None:
    scene, expected = STRIPE_SCENES[name]
    assert await offered(stripe_http, scene) == expected


async def offered(http: httpx.AsyncClient, scene: Scene) -> set[str]:
    """Return what is offered, after trying that nothing else can happen and all of that can."""
    listed = (await http.post("/_simulator/triggers/x", json={"id": "y"})).json()["detail"]
    names = listed.removeprefix("The triggers are: ").removesuffix(".").split(", ")
    buttons: set[str] = set()
    for number, trigger in enumerate(names):
        identifier = await scene(http, number)
        buttons = set((await look(http)).rows[identifier].triggers)
        pulled = await press(http, trigger, identifier)
        assert (pulled.status_code == 303) is (trigger in buttons), trigger
    return buttons


def ordered(token: str = "vault_visa", intent: str = "CAPTURE") -> Scene:
    async def act(http: httpx.AsyncClient, number: int) -> str:
        body = paypal.order(token, intent=intent)
        identifier: str = (await paypal.pay(http, body, f"op_{number}")).json()["id"]
        return identifier

    return act


async def approved(http: httpx.AsyncClient, number: int) -> str:
    identifier = await ordered("vault_payer_action")(http, number)
    await paypal.pull(http, "approve", identifier)
    return identifier


async def part_captured(http: httpx.AsyncClient, number: int) -> str:
    body = paypal.order(intent="AUTHORIZE")
    shown = (await paypal.pay(http, body, f"op_{number}")).json()
    await paypal.capture(http, paypal.first_authorization(shown)["id"], "4.00")
    identifier: str = shown["id"]
    return identifier


async def refund_pending(http: httpx.AsyncClient, number: int) -> str:
    made = await paypal.pay(http, paypal.order("vault_refund_pending"), f"op_{number}")
    await paypal.refund(http, paypal.first_capture(made)["id"], "4.00")
    identifier: str = made.json()["id"]
    return identifier


async def under_review(http: httpx.AsyncClient, number: int) -> str:
    identifier = await ordered("vault_dispute")(http, number)
    await paypal.pull(http, "dispute_review", identifier)
    return identifier


PAYPAL_SCENES: dict[str, tuple[Scene, set[str]]] = {
    "captured": (ordered(), {"dispute", "reverse_capture"}),
    "declined": (ordered("vault_declined"), set()),
    "waiting": (ordered("vault_payer_action"), {"approve", "cancel_approval", "forget"}),
    "approved": (approved, {"forget", "reverse_approval"}),
    "authorized": (ordered(intent="AUTHORIZE"), {"expire"}),
    "part captured": (part_captured, {"expire", "dispute", "reverse_capture"}),
    "pending": (ordered("vault_pending"), {"complete_capture", "deny_capture"}),
    "refund pending": (
        refund_pending,
        {"dispute", "complete_refund", "fail_refund", "reverse_capture"},
    ),
    "disputed": (
        ordered("vault_dispute"),
        {"dispute_review", "dispute_won", "dispute_lost", "reverse_capture"},
    ),
    "under review": (under_review, {"dispute_won", "dispute_lost", "reverse_capture"}),
}


@pytest.mark.parametrize("name", PAYPAL_SCENES)
async def test_paypal_offers_exactly_the_possible_triggers(
    paypal_http: httpx.AsyncClient, name: str
) -> None:
    scene, expected = PAYPAL_SCENES[name]
    assert await offered(paypal_http, scene) == expected


async def test_a_payment_is_shown_with_its_refunds_and_disputes(
    stripe_http: httpx.AsyncClient,
) -> None:
    identifier = await intent(stripe_http, capture_method="manual")
    await stripe_http.post(
        f"/v1/payment_intents/{identifier}/capture", data={"amount_to_capture": "900"}
    )
    refund = {"payment_intent": identifier, "amount": "100", "metadata[groat_refund]": "rfd_1"}
    await stripe_http.post("/v1/refunds", data=refund)
    await press(stripe_http, "dispute", identifier)
    row = (await look(stripe_http)).rows[identifier]
    text = " ".join(row.text.split())
    assert f"pay_1 {identifier} 10.50 EUR succeeded" in text
    parts = (
        *("authorization 10.50 EUR captured", "charge 9.00 EUR succeeded"),
        *("refund 1.00 EUR succeeded", "rfd_1", "dispute 8.00 EUR needs response"),
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("end", "status"), [(None, "authorized"), ("cancel", "canceled"), ("capture", "captured")]
)
async def test_an_authorization_is_shown_with_its_present_status(
    stripe_http: httpx.AsyncClient, end: str | None, status: str
) -> None:
    identifier = await intent(stripe_http, capture_method="manual")
    if end is not None:
        await stripe_http.post(f"/v1/payment_intents/{identifier}/{end}")
    row = (await look(stripe_http)).rows[identifier]
    assert f"authorization 10.50 EUR {status}" in " ".join(row.text.split())


async def test_declines_are_shown(stripe_http: httpx.AsyncClient) -> None:
    taken = await intent(stripe_http, "chargeDeclined")
    reserved = await intent(stripe_http, "chargeDeclined", capture_method="manual")
    rows = (await look(stripe_http)).rows
    assert "charge 10.50 EUR declined" in " ".join(rows[taken].text.split())
    assert "authorization 10.50 EUR declined" in " ".join(rows[reserved].text.split())


async def test_an_order_is_shown_with_its_payments(paypal_http: httpx.AsyncClient) -> None:
    made = await paypal.pay(paypal_http, paypal.order("vault_dispute"))
    taken = paypal.first_capture(made)["id"]
    await paypal.refund(paypal_http, taken, "4.00", custom_id="pay_1.rfd_1")
    await press(paypal_http, "dispute_lost", made.json()["id"])
    text = " ".join((await look(paypal_http)).rows[made.json()["id"]].text.split())
    assert f"capture 10.50 EUR refunded {taken}" in text
    assert "refund 4.00 EUR completed" in text
    assert "pay_1.rfd_1" in text
    assert "reversal 6.50 EUR completed" in text
    assert "dispute 10.50 EUR resolved buyer favour" in text


async def test_the_overview_shows_the_newest_payments_first(stripe_http: httpx.AsyncClient) -> None:
    made = [await intent(stripe_http) for _ in range(SHOWN_MAX + 1)]
    page = await look(stripe_http)
    assert [row for row in page.rows if row] == made[:0:-1]
    assert f"{SHOWN_MAX} of {SHOWN_MAX + 1}" in page.text


async def test_a_button_leads_back_to_its_payment(stripe_http: httpx.AsyncClient) -> None:
    identifier = await intent(stripe_http, "authenticationRequired")
    pulled = await press(stripe_http, "complete_action", identifier)
    assert (pulled.status_code, pulled.headers["location"]) == (303, f"/_simulator#{identifier}")
    row = (await look(stripe_http)).rows[identifier]
    assert "succeeded" in row.text
    assert row.triggers == ["dispute", "inquiry"]


@pytest.mark.parametrize(
    ("trigger", "identifier"),
    [("dispute_won", None), ("no_such", None), ("", ""), ("expire", "pi_1")],
)
async def test_an_impossible_trigger_is_refused_on_the_page(
    stripe_http: httpx.AsyncClient, trigger: str, identifier: str | None
) -> None:
    made = await intent(stripe_http)
    reply = await press(stripe_http, trigger, made if identifier is None else identifier)
    assert reply.status_code == 409
    assert "is not possible for" in Page(reply.text).text
    assert made in Page(reply.text).rows


@pytest.mark.parametrize("scene", ["stripe", "paypal"])
async def test_the_customers_page_is_linked_while_it_waits(
    stripe_http: httpx.AsyncClient, paypal_http: httpx.AsyncClient, scene: str
) -> None:
    if scene == "stripe":
        http, identifier = stripe_http, await intent(stripe_http, "authenticationRequired")
        end = "complete_action"
    else:
        http, identifier = paypal_http, await ordered("vault_payer_action")(paypal_http, 1)
        end = "approve"
    (address,) = (await look(http)).rows[identifier].links
    assert (await http.get(address)).status_code == 200
    await press(http, end, identifier)
    assert (await look(http)).rows[identifier].links == []
    assert (await http.get(address)).status_code == 404


async def test_markup_and_control_characters_are_escaped(
    stripe_http: httpx.AsyncClient, paypal_http: httpx.AsyncClient
) -> None:
    at_stripe = await intent(stripe_http, reference=HOSTILE)
    body = paypal.order()
    body["purchase_units"][0]["custom_id"] = HOSTILE
    at_paypal = (await paypal.pay(paypal_http, body)).json()["id"]
    for http, identifier in ((stripe_http, at_stripe), (paypal_http, at_paypal)):
        raw = (await http.get("/_simulator")).text
        assert not set("\x00\x1b\u202e\u2066\x7f\ufeff") & set(raw)
        page = Page(raw)
        assert "script" not in page.tags
        shown = r"<script>alert('1')</script>&amp;\x00\x1b[31m\u202e\u2066\n\x7f \ufeff"
        assert shown in page.rows[identifier].text


async def test_wrong_form_values_are_escaped(stripe_http: httpx.AsyncClient) -> None:
    for path in ("pull", "plan"):
        data = {"trigger": HOSTILE, "id": HOSTILE, HOSTILE: HOSTILE, "seed": HOSTILE}
        reply = await stripe_http.post(f"/_simulator/{path}", data=data)
        assert reply.status_code in {409, 422}
        assert "script" not in Page(reply.text).tags
        assert not set("\x00\x1b\u202e\u2066\x7f\ufeff") & set(reply.text)


@given(st.text())
def test_invisible_characters_are_escaped(text: str) -> None:
    shown = str(harmless(text))
    assert not any(unicodedata.category(character).startswith("C") for character in shown)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Müller, 東京 ✓", "Müller, 東京 ✓"),
        ("a\u2028b\ud800", r"a\u2028b\ud800"),
        (12, "12"),
        (Markup("<p>\n"), Markup("<p>\n")),
    ],
)
def test_visible_text_is_unchanged(value: object, shown: object) -> None:
    assert harmless(value) == shown


async def test_deliveries_are_shown_with_their_results(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers = [500]
    endpoint = {"url": receiver.url, "enabled_events[]": "charge.succeeded"}
    await stripe_http.post("/v1/webhook_endpoints", data=endpoint)
    await intent(stripe_http)
    await settled(stripe_http)
    await stripe_http.put("/_simulator/faults", json={"drop": 1})
    await intent(stripe_http)
    events = (await stripe_http.get("/v1/events?type=charge.succeeded")).json()["data"]
    text = " ".join((await look(stripe_http)).text.split())
    dropped, delivered = (event["id"] for event in events)
    assert f"charge.succeeded {dropped} {receiver.url} 0 none dropped" in text
    assert f"charge.succeeded {delivered} {receiver.url} 2 200 acknowledged" in text
    assert text.index(dropped) < text.index(delivered)
    assert "events 6 dropped 3 attempted 2 acknowledged 1 ignored 0 refused 1 pending 0" in text


async def set_plan(http: httpx.AsyncClient, form: dict[str, str]) -> httpx.Response:
    return await http.post("/_simulator/plan", data=form)


async def plan_of(http: httpx.AsyncClient) -> Any:
    return (await http.get("/_simulator/faults")).json()


async def test_the_form_shows_the_current_plan(stripe_http: httpx.AsyncClient) -> None:
    assert "no faults" in (await look(stripe_http)).text
    plan = FaultPlan(
        seed=3,
        twin=0.25,
        stale_seconds=-400,
        two_secrets=True,
        answer="cut_after",
        on="refunds",
        shuffle_ms=70,
    )
    await stripe_http.put("/_simulator/faults", json=plan.model_dump())
    page = await look(stripe_http)
    assert FaultPlan.model_validate_strings({k: v for k, v in page.fields.items() if v}) == plan
    assert "Twin: 0.25" in page.text
    assert "Two secrets" in page.text


async def test_the_form_sets_the_plan(stripe_http: httpx.AsyncClient) -> None:
    form = {
        **(await look(stripe_http)).fields,
        "drop": "0.5",
        "on": "captures",
        "two_secrets": "true",
    }
    reply = await set_plan(stripe_http, form)
    assert (reply.status_code, reply.headers["location"]) == (303, "/_simulator")
    plan = FaultPlan(drop=0.5, on="captures", two_secrets=True)
    assert await plan_of(stripe_http) == plan.model_dump()
    await set_plan(stripe_http, {})
    assert await plan_of(stripe_http) == FaultPlan().model_dump()


async def test_an_invalid_plan_is_shown_again(stripe_http: httpx.AsyncClient) -> None:
    await set_plan(stripe_http, {"drop": "0.5"})
    reply = await set_plan(stripe_http, {"twin": "1.5", "seed": "7", "on": "disputes"})
    assert reply.status_code == 422
    page = Page(reply.text)
    assert (page.fields["twin"], page.fields["seed"]) == ("1.5", "7")
    assert "Twin: Input should be less than or equal to 1" in page.text
    assert "On: Input should be" in page.text
    assert await plan_of(stripe_http) == FaultPlan(drop=0.5).model_dump()


async def test_the_form_has_only_the_fields_of_its_provider(
    stripe_http: httpx.AsyncClient, paypal_http: httpx.AsyncClient
) -> None:
    everything = set(FaultPlan.model_fields)
    assert set((await look(stripe_http)).fields) == everything - {"missing_rows"}
    assert set((await look(paypal_http)).fields) == everything - {"two_secrets"}


async def test_all_pages_share_a_style_and_load_nothing_from_outside(
    stripe_http: httpx.AsyncClient, paypal_http: httpx.AsyncClient
) -> None:
    waiting = await intent(stripe_http, "authenticationRequired")
    order = await ordered("vault_payer_action")(paypal_http, 1)
    pages = [
        (stripe_http, "/_simulator"),
        (stripe_http, f"/3d_secure/{waiting}"),
        (stripe_http, "/3d_secure/pi_1"),
        (paypal_http, "/_simulator"),
        (paypal_http, f"/checkoutnow?token={order}"),
        (paypal_http, "/checkoutnow?token=x"),
    ]
    for http, address in pages:
        page = await http.get(address)
        assert "default-src 'none'; style-src 'self';" in page.headers["Content-Security-Policy"]
        assert re.findall(r'(?:src|href)="([^"#/]*//[^"]*)"', page.text) == []
        assert not {"script", "style", "img", "iframe"} & Page(page.text).tags
        (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
        sheet = await http.get(style)
        assert sheet.headers["Content-Type"].startswith("text/css")
        assert not re.search(r"url\(|@import", sheet.text)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("succeeded", "good"),
        ("COMPLETED", "good"),
        ("PAYER_ACTION_REQUIRED", "waiting"),
        ("requires_payment_method", "bad"),
        ("canceled", "neutral"),
        ("VOIDED", "neutral"),
    ],
)
def test_a_status_has_a_tone(status: str, expected: str) -> None:
    assert tone(status) == expected
