from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.providers.paypal.events import Subject, envelope, subject_id, subject_of
from groat.providers.port import Envelope
from groat.providers.reading import Malformed

SUBJECTS: list[Subject] = [
    "authorization",
    "capture",
    "dispute",
    "order",
    "refund",
    "reversal",
]


def _body(subject: Subject, reference: object) -> bytes:
    name = "dispute_id" if subject == "dispute" else "id"
    return json.dumps({"resource": {name: reference, "status": "COMPLETED"}}).encode()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_event_names_its_resource(subject: Subject) -> None:
    assert subject_id(subject, _body(subject, "2GG279541U471931P")) == "2GG279541U471931P"
    assert subject_id(subject, _body(subject, "PP-D-27803")) == "PP-D-27803"


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(
    "reference",
    ["", "../../v1/oauth2/token", "a b", "a\n", "a" * 65, "é", "a?b", "a#b", "a%2fb", 1, None],
)
def test_the_resource_of_an_event_cannot_redirect_a_lookup(
    subject: Subject, reference: object
) -> None:
    with pytest.raises(Malformed):
        subject_id(subject, _body(subject, reference))


@given(st.sampled_from(SUBJECTS), st.binary())
def test_any_other_bytes_name_no_resource(subject: Subject, body: bytes) -> None:
    with pytest.raises(Malformed):
        subject_id(subject, body)


@pytest.mark.parametrize(
    ("event_type", "subject"),
    [
        ("CHECKOUT.ORDER.APPROVED", "order"),
        ("PAYMENT.AUTHORIZATION.VOIDED", "authorization"),
        ("PAYMENT.CAPTURE.PENDING", "capture"),
        ("PAYMENT.CAPTURE.REFUNDED", "refund"),
        ("PAYMENT.CAPTURE.REVERSED", "reversal"),
        ("CUSTOMER.DISPUTE.UPDATED", "dispute"),
        ("BILLING.SUBSCRIPTION.CREATED", None),
        ("payment.capture.completed", None),
        ("", None),
    ],
)
def test_the_type_of_an_event_names_the_kind_of_its_resource(
    event_type: str, subject: Subject | None
) -> None:
    assert subject_of(event_type) == subject


def test_an_envelope_has_the_events_id_and_type() -> None:
    body = b'{"id":"WH-1-2","event_type":"PAYMENT.CAPTURE.COMPLETED"}'
    assert envelope(body) == Envelope("WH-1-2", "PAYMENT.CAPTURE.COMPLETED")
