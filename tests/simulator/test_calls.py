from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import get_args

import pytest
from starlette.responses import Response

from groat.simulator.calls import CallFault, CallFaults, Kinds, asks_for_fault, split_token
from groat.simulator.deliveries import Courier
from groat.simulator.faults import Ending, FaultPlan, Faults
from groat.simulator.wire import Answer

FAULTS: list[Ending] = [ending for ending in get_args(Ending) if ending != "right"]
RIGHT = CallFault()
KINDS: Kinds = {
    "payments": re.compile("/pay"),
    "captures": re.compile("/capture"),
    "cancellations": re.compile("/cancel"),
    "refunds": re.compile("/refund"),
}


@pytest.fixture
async def courier() -> AsyncIterator[Courier]:
    courier = Courier()
    yield courier
    await courier.aclose()


def lie(answer: Answer) -> Answer:
    return Answer(answer.status, b"a lie")


@pytest.mark.parametrize(
    ("ending", "status"), [("rate_limited", 429), ("unavailable", 503), ("cut_before", 200)]
)
def test_these_faults_end_a_call_before_its_effect(ending: Ending, status: int) -> None:
    refusal = CallFault(ending).before()
    assert refusal is not None
    assert refusal.status_code == status


@pytest.mark.parametrize("ending", ["right", "cut_after", "broken", "html", "lie"])
def test_these_faults_let_a_call_take_effect_first(ending: Ending) -> None:
    assert CallFault(ending).before() is None


@pytest.mark.parametrize("ending", ["right", "rate_limited", "unavailable", "cut_after", "html"])
async def test_these_faults_store_the_true_answer(ending: Ending) -> None:
    answer = Answer(200, b"{}")
    assert await CallFault(ending).kept(answer, lie) is answer


async def test_a_broken_or_false_answer_is_stored_as_sent() -> None:
    answer = Answer(200, b"the truth")
    assert await CallFault("broken").kept(answer, lie) == Answer(500, b"{}")
    assert await CallFault("lie").kept(answer, lie) == Answer(200, b"a lie")


@pytest.mark.parametrize("ending", ["right", "rate_limited", "broken", "lie"])
def test_these_faults_let_the_answer_reach_the_client(ending: Ending) -> None:
    response = Response()
    assert CallFault(ending).after(response) is response


@pytest.mark.parametrize("ending", ["cut_after", "html"])
def test_these_faults_keep_the_answer_from_the_client(ending: Ending) -> None:
    response = Response()
    assert CallFault(ending).after(response) is not response


@pytest.mark.parametrize("fault", FAULTS)
def test_a_payment_method_can_request_every_fault(fault: Ending) -> None:
    assert split_token(f"pm_card_visa_fault_{fault}") == ("pm_card_visa", fault)


@pytest.mark.parametrize(
    "token", ["pm_card_visa", "", "pm_fault_", "pm_fault_right", "_fault_lie", "pm_fault_no_such"]
)
def test_a_token_without_a_fault_is_unchanged(token: str) -> None:
    assert split_token(token) == (token, None)


def test_a_body_is_searched_for_a_requested_fault() -> None:
    assert asks_for_fault(b"payment_method=pm_card_visa_fault_lie")
    assert not asks_for_fault(b"payment_method=pm_card_visa")


def test_a_requested_fault_happens_once_per_key(courier: Courier) -> None:
    faults = CallFaults(courier, KINDS)
    token = "pm_fault_html"
    assert faults.of("/pay", "key_1", token) == CallFault("html")
    assert faults.of("/pay", "key_1", token) == RIGHT
    assert faults.of("/pay", "key_2", token) == CallFault("html")
    assert faults.of("/pay", None, token) == CallFault("html")
    assert faults.of("/pay", None, token) == CallFault("html")
    assert faults.of("/pay", "key_3", "pm") == RIGHT


def test_a_requested_fault_precedes_the_plan(courier: Courier) -> None:
    courier.faults = Faults(FaultPlan(answer="lie", answer_ms=7))
    faults = CallFaults(courier, KINDS)
    assert faults.of("/pay", "key_1", "pm_fault_html") == CallFault("html")
    assert faults.of("/pay", "key_1", "pm_fault_html") == CallFault("lie", 7)


def test_a_plan_can_name_one_kind_of_call(courier: Courier) -> None:
    courier.faults = Faults(FaultPlan(answer="broken", answer_ms=7, on="refunds"))
    faults = CallFaults(courier, KINDS)
    assert faults.of("/refund", None, "") == CallFault("broken", 7)
    assert {faults.of(path, None, "") for path in ("/pay", "/capture", "/other")} == {RIGHT}


def test_a_plan_without_a_kind_covers_every_call(courier: Courier) -> None:
    courier.faults = Faults(FaultPlan(answer="broken"))
    faults = CallFaults(courier, KINDS)
    assert {faults.of(path, None, "") for path in ("/pay", "/other")} == {CallFault("broken")}
