"""The feed reads the provider's books: our account of the money equals the provider's balance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest

from tests.integration.settlement.life import assert_equal_balances, live_together
from tests.support.clock import ShiftedClock
from tests.support.feeds import accounts, act, fed, ours, read_feeds, theirs
from tests.support.pages import pages
from tests.support.payments import PROVIDERS, pay
from tests.support.soundness import assert_sound
from tests.support.world import World


@pytest.fixture
def clock() -> ShiftedClock:
    """The clock of PayPal's simulator."""
    return ShiftedClock()


@pytest.fixture
async def shop(world: World, clock: ShiftedClock) -> AsyncIterator[World]:
    """A world with simulators of its own, and nothing booked there yet."""
    async with fed(world, clock) as shop:
        yield shop


async def test_a_payment_at_paypal_is_booked_by_its_row(shop: World) -> None:
    wallet = await shop.wallet()
    await pay(shop, wallet, "paypal")
    assert await accounts(shop, "clearing", "provider") == {"clearing": 1050}
    for _ in range(2):  # the window is read again, and changes nothing
        await read_feeds(shop)
        assert await accounts(shop, "clearing", "provider", "fees") == {
            "provider": 989,
            "fees": 61,
        }
    await assert_equal_balances(shop)
    await assert_sound(shop)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_payment_without_an_answer_or_an_event_is_learned_from_its_movement(
    shop: World, provider: str
) -> None:
    wallet = await shop.wallet()
    await shop.site(provider).set_faults(answer="cut_after", drop=1)
    payment = await pay(shop, wallet, provider)
    await shop.site(provider).set_faults()
    assert payment["status"] == "processing"
    await read_feeds(shop)
    found = await shop.payment(payment["id"])
    assert (found["status"], found["captured"]) == ("succeeded", 1050)
    assert await shop.balance(wallet) == 1050
    await assert_equal_balances(shop)
    await assert_sound(shop)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refund_that_no_event_reports_is_learned_from_its_movement(
    shop: World, provider: str
) -> None:
    wallet = await shop.wallet()
    payment = await pay(shop, wallet, provider)
    await act(
        shop.site(provider), "refund", id=payment["provider_reference"], amount=500, tell=False
    )
    await read_feeds(shop)
    found = await shop.payment(payment["id"])
    assert (found["refunded"], await shop.balance(wallet)) == (500, 550)
    [refund] = await pages(shop.api, "/v1/refunds", payment=payment["id"])
    assert (refund["origin"], refund["amount"]) == ("provider", 500)
    assert await accounts(shop, "clearing", "suspense", "foreign") == {}
    await assert_equal_balances(shop)
    await shop.settle()
    assert (await shop.payment(payment["id"]))["refunded"] == 500
    await assert_sound(shop)


async def test_a_lost_dispute_at_paypal_takes_the_money_by_its_row(shop: World) -> None:
    wallet = await shop.wallet()
    payment = await pay(shop, wallet, "paypal")
    await shop.paypal.pull("dispute", payment)
    await shop.paypal.pull("dispute_lost", payment)
    await shop.settle()
    assert await shop.balance(wallet) == 1050
    await read_feeds(shop)
    assert await shop.balance(wallet) == 0
    [dispute] = await pages(shop.api, "/v1/disputes")
    assert (dispute["status"], dispute["withdrawn"], dispute["reinstated"]) == ("lost", 1050, 0)
    await assert_equal_balances(shop)
    await assert_sound(shop)


async def test_money_of_other_systems_and_unknown_categories_is_in_the_books(shop: World) -> None:
    form = {
        "amount": "700",
        "currency": "eur",
        "confirm": "true",
        "payment_method": "pm_card_visa",
        "payment_method_types[]": "card",
        "capture_method": "automatic",
    }
    made = await shop.stripe.http.post("/v1/payment_intents", data=form, auth=("sk_test_groat", ""))
    made.raise_for_status()
    await act(
        shop.stripe, "book", kind="adjustment", category="brand_new", amount=30, currency="eur"
    )
    await act(shop.paypal, "book", event_code="T0107", amount=-200, fee=-38, currency="EUR")
    await read_feeds(shop)
    assert await accounts(shop, "foreign", "suspense", "tax", "clearing") == {
        "foreign": -700,
        "suspense": -30,
        "tax": 38,
    }
    await assert_equal_balances(shop)
    await assert_sound(shop)


async def test_a_provider_that_refuses_its_list_is_asked_again(shop: World) -> None:
    await pay(shop, await shop.wallet(), "paypal")
    await shop.paypal.set_faults(refuse_search=True)
    with pytest.raises(AssertionError, match="NOT_AUTHORIZED"):
        await read_feeds(shop)
    await shop.paypal.set_faults()
    await read_feeds(shop)
    await assert_equal_balances(shop)


async def test_a_window_with_too_many_rows_is_halved(shop: World) -> None:
    for age in range(0, 5 * 86_400, 43_200):
        await act(
            shop.paypal,
            "book",
            event_code="T0300",
            amount=1000 + age,
            currency="EUR",
            age_seconds=age,
        )
    await shop.paypal.http.put("/_simulator/account", json={"rows_max": 3})
    await shop.engine.movement_feeds.read_batch()  # begins the feeds
    await shop.rows(
        "update movement_feed set starts_at = starts_at - interval '30 days',"
        " watermark = watermark - interval '5 days' where due_at <> 'infinity'"
    )
    await read_feeds(shop)
    assert await ours(shop, shop.paypal) == await theirs(shop.paypal)


async def test_a_row_that_appears_weeks_behind_others_is_read_by_the_recheck(shop: World) -> None:
    await read_feeds(shop)
    await shop.rows(
        "update movement_feed set starts_at = starts_at - interval '60 days',"
        " rechecked_at = rechecked_at - interval '8 days' where due_at <> 'infinity'"
    )
    weeks = 20 * 86_400
    row = {"event_code": "T0300", "amount": 1000, "currency": "EUR", "age_seconds": weeks}
    await act(shop.paypal, "book", **row)
    await read_feeds(shop)
    await assert_equal_balances(shop)
    await act(shop.paypal, "book", **row)
    await read_feeds(shop)  # too early for the next recheck
    assert await accounts(shop, "in_transit") == {"in_transit": -1000}
    [[rechecked]] = await shop.rows(
        "select count(*) from movement_feed where due_at <> 'infinity'"
        " and rechecked_at > now() - interval '1 hour'"
    )
    assert rechecked == 2


async def test_a_late_movement_is_posted_once_by_its_event_or_by_the_feed(shop: World) -> None:
    wallet = await shop.wallet()
    await shop.stripe.set_faults(late_movements=1)
    payment = await pay(shop, wallet, "stripe")
    assert await accounts(shop, "clearing", "provider") == {"clearing": 1050}
    await shop.stripe.pull("book_movement", payment)
    await read_feeds(shop)
    assert await accounts(shop, "clearing", "provider", "fees") == {"provider": 1011, "fees": 39}
    await shop.settle()
    assert await accounts(shop, "clearing", "provider", "fees") == {"provider": 1011, "fees": 39}
    await assert_equal_balances(shop)
    await assert_sound(shop)


@pytest.mark.parametrize("late", [0, 0.3])
async def test_balances_equal_the_providers_with_a_tenth_of_the_events_lost(
    shop: World, clock: ShiftedClock, late: float
) -> None:
    wallet = await shop.wallet()
    chance = Random(7)  # noqa: S311 - the same course in every run
    for provider in PROVIDERS:
        await shop.site(provider).set_faults(
            seed=3, drop=0.1, duplicate=0.3, twin=0.2, late_movements=late
        )
    await live_together(shop, wallet, chance)
    await read_feeds(shop)
    lacks_rows = await ours(shop, shop.paypal) != await theirs(shop.paypal)
    assert lacks_rows == bool(late), "the search shows late rows after three hours, not before"
    clock.shift += timedelta(hours=3)
    for payment in await pages(shop.api, "/v1/payments"):
        subject = {"id": payment["provider_reference"]}
        await shop.stripe.http.post("/_simulator/triggers/book_movement", json=subject)
    for provider in PROVIDERS:
        await shop.site(provider).set_faults()
    await shop.settle()
    await read_feeds(shop)
    await assert_equal_balances(shop)
    assert await accounts(shop, "suspense", "foreign", "clearing") == {}
    dead = [row for row in await shop.inbox() if row[1] == "dead"]
    assert dead == []
    await assert_sound(shop)
