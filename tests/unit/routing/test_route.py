"""Where a payment goes: the first rule that holds, its targets in their order, and why."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.failures import RETRYABLE, FailureCode
from groat.routing.domain.route import Leg, PaymentMethod, Route, RoutingInput, decide_route, draw
from groat.routing.domain.rules import Conditions, Rule, Rules, RulesInForce, Target

STRIPE, PAYPAL, OTHER = (ProviderAccountId(UUID(int=number)) for number in (1, 2, 3))
ACCOUNTS = {STRIPE: "stripe", PAYPAL: "paypal", OTHER: "stripe"}
PAYMENT = RoutingInput(
    PaymentId(UUID(int=9)),
    Money(1050, "EUR"),
    PaymentMethod("card", {"stripe": "pm_1", "paypal": "vault_1"}),
    {"shop": "eu"},
)
BOTH = (Target(STRIPE), Target(PAYPAL))


def legs(
    rules: RulesInForce, payment: RoutingInput = PAYMENT, broken: tuple[ProviderAccountId, ...] = ()
) -> list[ProviderAccountId]:
    decision = decide_route(rules, payment, ACCOUNTS, broken)
    return [leg.provider_account_id for leg in decision.route.legs]


def in_force(version: int, rules: tuple[Rule, ...]) -> RulesInForce:
    return RulesInForce(version, Rules(rules))


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        (Conditions(), True),
        (Conditions(currencies=frozenset({"EUR", "USD"})), True),
        (Conditions(currencies=frozenset({"USD"})), False),
        (Conditions(amount_min=1050, amount_max=1050), True),
        (Conditions(amount_min=1051), False),
        (Conditions(amount_max=1049), False),
        (Conditions(kinds=frozenset({"card"})), True),
        (Conditions(kinds=frozenset({"wallet"})), False),
        (Conditions(metadata={"shop": "eu"}), True),
        (Conditions(metadata={"shop": "us"}), False),
        (Conditions(metadata={"shop": "eu", "vip": "yes"}), False),
    ],
)
def test_the_first_matching_rule_decides_and_the_others_have_reasons(
    conditions: Conditions, *, holds: bool
) -> None:
    rules = in_force(3, (Rule("first", (Target(PAYPAL),), conditions), Rule("rest", BOTH)))
    decision = decide_route(rules, PAYMENT, ACCOUNTS, ())
    assert decision.rules_version == 3
    assert decision.rule == ("first" if holds else "rest")
    assert [name for name, _ in decision.skipped] == ([] if holds else ["first"])
    assert all(why for _, why in decision.skipped)


def test_without_a_matching_rule_there_is_no_route() -> None:
    only_dollars = Conditions(currencies=frozenset({"USD"}))
    for rules in (in_force(0, ()), in_force(1, (Rule("dollars", BOTH, only_dollars),))):
        with pytest.raises(Conflict) as refused:
            decide_route(rules, PAYMENT, ACCOUNTS, ())
        assert refused.value.code == "no_route"


def test_targets_are_tried_in_their_order_with_the_token_of_their_provider() -> None:
    decision = decide_route(in_force(1, (Rule("all", BOTH),)), PAYMENT, ACCOUNTS, ())
    assert decision.route.legs == (Leg(STRIPE, "pm_1"), Leg(PAYPAL, "vault_1"))


def test_a_target_without_a_token_is_skipped_with_a_reason() -> None:
    only_paypal = replace(PAYMENT, method=PaymentMethod("card", {"paypal": "vault_1"}))
    decision = decide_route(in_force(1, (Rule("all", BOTH),)), only_paypal, ACCOUNTS, ())
    assert [leg.provider_account_id for leg in decision.route.legs] == [PAYPAL]
    assert [one.verdict for one in decision.considered] == ["no_token", "taken"]
    nowhere = replace(PAYMENT, method=PaymentMethod("card", {}))
    with pytest.raises(Conflict):
        decide_route(in_force(1, (Rule("all", BOTH),)), nowhere, ACCOUNTS, ())


def test_a_deleted_account_is_skipped() -> None:
    decision = decide_route(in_force(1, (Rule("all", BOTH),)), PAYMENT, {PAYPAL: "paypal"}, ())
    assert [one.verdict for one in decision.considered] == ["not_available", "taken"]


def test_an_account_with_an_open_breaker_is_tried_last() -> None:
    rules = in_force(1, (Rule("all", BOTH),))
    assert legs(rules, broken=(STRIPE,)) == [PAYPAL, STRIPE]
    assert legs(rules, broken=(STRIPE, PAYPAL)) == [STRIPE, PAYPAL]


def test_a_split_is_by_weight_and_the_same_for_the_same_payment() -> None:
    split = in_force(1, (Rule("split", (Target(STRIPE, 70), Target(PAYPAL, 30))),))
    payments = [replace(PAYMENT, id=PaymentId(ids.uuid7())) for _ in range(4000)]
    first = Counter(legs(split, one)[0] for one in payments)
    assert 0.65 < first[STRIPE] / 4000 < 0.75
    assert all(legs(split, one) == legs(split, one) for one in payments[:50])
    assert {len(legs(split, one)) for one in payments} == {2}


@given(st.uuids())
def test_a_draw_is_a_fraction_between_zero_and_one(payment_id: UUID) -> None:
    assert 0 <= draw(PaymentId(payment_id)) < 1


@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=10), st.uuids(), st.sets(st.integers(0, 9))
)
def test_every_target_is_in_the_route_once_with_any_weights(
    weights: list[int], payment_id: UUID, broken: set[int]
) -> None:
    accounts = [ProviderAccountId(UUID(int=100 + number)) for number in range(len(weights))]
    targets = tuple(Target(one, weight) for one, weight in zip(accounts, weights, strict=True))
    payment = replace(PAYMENT, id=PaymentId(payment_id))
    decision = decide_route(
        in_force(1, (Rule("split", targets),)),
        payment,
        dict.fromkeys(accounts, "stripe"),
        [one for number, one in enumerate(accounts) if number in broken],
    )
    found = [leg.provider_account_id for leg in decision.route.legs]
    assert sorted(found) == sorted(accounts)
    well = [one for number, one in enumerate(accounts) if number not in broken]
    assert set(found[: len(well)]) == set(well)


@pytest.mark.parametrize("code", FailureCode)
@pytest.mark.parametrize("legs", [1, 2, 3])
def test_a_route_falls_back_if_allowed_and_a_target_is_left(legs: int, code: FailureCode) -> None:
    route: Route | None = Route(
        tuple(Leg(one, "token") for one in (STRIPE, PAYPAL, OTHER)[:legs]), RETRYABLE
    )
    steps = 0
    while route is not None and (route := route.after(code)) is not None:
        steps += 1
        assert route.leg == route.legs[steps]
        assert len(route.behind) == steps
    assert steps == (legs - 1 if code in RETRYABLE else 0)


def test_a_failure_of_the_customer_is_no_reason_for_a_fallback() -> None:
    assert not RETRYABLE & {
        FailureCode.LOST_OR_STOLEN,
        FailureCode.INSUFFICIENT_FUNDS,
        FailureCode.FRAUD_SUSPECTED,
        FailureCode.EXPIRED_CARD,
    }


@pytest.mark.parametrize(
    "targets",
    [
        (),
        (Target(STRIPE), Target(STRIPE)),
        (Target(STRIPE, 1), Target(PAYPAL)),
        (Target(STRIPE, 0), Target(PAYPAL, 1)),
        tuple(Target(ProviderAccountId(UUID(int=number))) for number in range(11)),
    ],
)
def test_an_invalid_rule_is_refused(targets: tuple[Target, ...]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Rule("bad", targets)
    assert refused.value.code == "invalid_routing_rule"


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        in_force(1, (Rule("a", BOTH), Rule("a", BOTH)))
    assert refused.value.code == "invalid_routing_rules"
