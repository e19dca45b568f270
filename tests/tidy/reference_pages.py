"""Write the generated pages of ``docs/reference``: ``make docs``."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from groat.accounts.domain.actions import AccountAction
from groat.app.error_codes import ERROR_CODES, OTHER_CODES
from groat.app.gauges import all_gauges
from groat.audit.domain.action import Action
from groat.audit.domain.actions import AuditAction
from groat.inbox.domain.actions import InboxAction
from groat.kernel.money import Money
from groat.merchants.domain.actions import MerchantAction
from groat.notifications.domain.actions import EndpointAction
from groat.notifications.domain.event_types import (
    EVENT_TYPES,
    MAY_SUCCEED,
    SILENT,
    SUCCEEDED,
    all_types,
)
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.lifecycle import (
    LIFECYCLE,
    TERMINAL,
    DisputeStatus,
    FactKind,
    Next,
    Outcome,
    RefundStatus,
    Status,
    answer_dispute,
    answer_refund,
)
from groat.platform.process import metrics as process_metrics
from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeUnderReview,
    InquiryClosed,
    InquiryOpened,
    NotSent,
    Refunded,
    RefundFact,
    RefundFailed,
    RefundReversed,
)
from groat.providers.domain.failures import HARD, MEANINGS, RETRYABLE, FailureCode
from groat.routing.domain.actions import RoutingAction
from groat.settlement.domain.actions import SettlementAction
from tests.support.shared_api import api_document
from tests.tidy.token_page import tokens_page

_ACTIONS: dict[str, type[Action]] = {
    "Accounts": AccountAction,
    "Payments": PaymentAction,
    "Routing": RoutingAction,
    "Merchants": MerchantAction,
    "Inbox": InboxAction,
    "Settlement": SettlementAction,
    "Notifications": EndpointAction,
    "Audit": AuditAction,
}

_AUDIT_ACTIONS = """\
# Audit actions

Every audit record has one of these actions. Each room declares its own in `domain/actions.py`.

{tables}
"""

_METRICS = """\
# Metrics

`GET /metrics` on the metrics port (`GROAT_METRICS_PORT`) of `groat api` and `groat worker` returns
these metrics in the text format of Prometheus. [Running Groat](../operations.md#metrics-and-probes)
tells how to use them.

## Counted by each process

{counted}

## Read from the database by each scrape

Every process returns the same values: take the maximum over the processes, not the sum.

{read}
"""

_EVENT_TYPES = """\
# Event types

The first part of a type names the kind of the object in `data`. See [events](../events.md).

| type | the change that it tells |
|---|---|
{types}

A payment that was captured in part, and is canceled or expires then, has succeeded with that part:
its event is `payment.succeeded`.

## Changes without an event

Every [audit action](audit-actions.md) is either told by an event, or left out for a reason:

| action | reason |
|---|---|
{silent}
"""

_ERROR_CODES = """\
# Error codes

Every error of the HTTP API is a problem document (RFC 9457) with one of these codes. A program
decides by `code`, never by `detail`. A running API shows this page at `/docs/errors`.

| code | status | what to do |
|---|---|---|
{codes}

Outside of the API's operations: deliveries of providers, methods and heads of requests.

| code | status | meaning |
|---|---|---|
{others}
"""

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

_LIFECYCLE = """\
# The lifecycles of payments, refunds and disputes

Generated from the tables in `payments/domain/lifecycle.py`, which have an outcome for every
status and every fact. A bold name is the next status.

## A payment

```mermaid
stateDiagram-v2
    [*] --> created
    created --> processing: confirm
    created --> canceled: cancel
{payment_arrows}
{payment_ends}
```

| status | {payment_facts} |
|---|{payment_rules}|
{payment_rows}

Repetitions are recognised first: a capture by its effect, an authorization by its reference. A
capture that reaches `succeeded` is an earlier part, within the authorized amount. If a payment is
canceled or expires after a partial capture, it has succeeded with that part. If a capture or a
cancellation is refused or not sent, the payment does not change: the authorization stays usable.

## A refund

```mermaid
stateDiagram-v2
    [*] --> pending
{refund_arrows}
{refund_ends}
```

| status | {refund_facts} |
|---|{refund_rules}|
{refund_rows}

## A dispute

```mermaid
stateDiagram-v2
{dispute_arrows}
{dispute_ends}
```

| status | {dispute_facts} |
|---|{dispute_rules}|
{dispute_rows}

A withdrawal of money (`withdrawn`) or its return (`reinstated`) applies in any status. Its effect
keeps it from applying twice. A return that comes before its withdrawal waits for it.

## The other outcomes

*Already so*: the fact is known; nothing changes. *Late*: the fact is recorded; nothing changes.
*Premature*: the event is tried again later. *Contradiction*: money moved in a way that
contradicts the payment; the fact is recorded, nothing is posted, and an operator decides.
"""

_SOME = Money(1, "EUR")
_REFUND_FACTS: dict[str, RefundFact] = {
    "refunded": Refunded("re_1", _SOME),
    "refund_failed": RefundFailed(FailureCode.PROCESSING_ERROR),
    "refund_reversed": RefundReversed("re_1", _SOME, FailureCode.PROCESSING_ERROR),
    "not_sent": NotSent(FailureCode.PROVIDER_UNREACHABLE, ""),
}
_DISPUTE_FACTS: dict[str, DisputeFact] = {
    "inquiry_opened": InquiryOpened("dp_1", _SOME),
    "inquiry_closed": InquiryClosed("dp_1", _SOME),
    "opened": DisputeOpened("dp_1", _SOME),
    "under_review": DisputeUnderReview("dp_1", _SOME),
    "won": DisputeClosed("dp_1", _SOME, won=True),
    "lost": DisputeClosed("dp_1", _SOME, won=False),
}

_FAILURE_CODES = """\
# Why a payment failed

A failed payment has one of these codes in `failure_code`, the same for all providers.

| code | meaning | may succeed at another provider | ends the payment |
|---|---|---|---|
{rows}

After a failure that may succeed at another provider, a payment
[falls back](../routing.md#fallback) by default. After a failure that does not end the payment, it
can be confirmed with another method.
"""


def lifecycle() -> str:
    """Return the page with the lifecycles of payments, refunds and disputes."""
    payment = _Table(
        list(Status),
        [told.value for told in FactKind],
        {(status, told.value): answer for (status, told), answer in LIFECYCLE.items()},
    )
    refund = _Table(
        list(RefundStatus),
        list(_REFUND_FACTS),
        {
            (status, name): answer_refund(status, fact)
            for status in RefundStatus
            for name, fact in _REFUND_FACTS.items()
        },
    )
    dispute = _Table(
        [None, *DisputeStatus],
        list(_DISPUTE_FACTS),
        {
            (status, name): answer_dispute(status, fact)
            for status in [None, *DisputeStatus]
            for name, fact in _DISPUTE_FACTS.items()
        },
    )
    return _LIFECYCLE.format(
        **payment.parts("payment", TERMINAL),
        **refund.parts("refund", {RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
        **dispute.parts("dispute", {DisputeStatus.WON, DisputeStatus.LOST}),
    )


class _Table(NamedTuple):
    """The outcome of each fact in each status; the status None is an object not known yet."""

    statuses: Sequence[str | None]
    facts: Sequence[str]
    answers: Mapping[tuple[str | None, str], Next[Any] | Outcome]

    def parts(self, name: str, terminal: Collection[str]) -> dict[str, str]:
        rows = [
            f"| {status or '(new)'} | "
            + " | ".join(_said(self.answers[status, fact]) for fact in self.facts)
            + " |"
            for status in self.statuses
        ]
        ends = [f"    {status} --> [*]" for status in self.statuses if status in terminal]
        return {
            f"{name}_arrows": "\n".join(self._arrows()),
            f"{name}_ends": "\n".join(ends),
            f"{name}_facts": " | ".join(fact.replace("_", " ") for fact in self.facts),
            f"{name}_rules": "|".join("---" for _ in self.facts),
            f"{name}_rows": "\n".join(rows),
        }

    def _arrows(self) -> Iterator[str]:
        for status, fact in product(self.statuses, self.facts):
            answer = self.answers[status, fact]
            if isinstance(answer, Next) and answer.status != status:
                yield f"    {status or '[*]'} --> {answer.status}: {fact.replace('_', ' ')}"


def _said(answer: Next[Any] | Outcome) -> str:
    return f"**{answer.status}**" if isinstance(answer, Next) else answer.replace("_", " ")


def _yes(holds: bool) -> str:  # noqa: FBT001 - its one argument
    return "yes" if holds else ""


def failure_codes() -> str:
    """Return the page with the meaning of each failure code."""
    rows = [
        f"| `{code}` | {MEANINGS[code]} | {_yes(code in RETRYABLE)} | {_yes(code in HARD)} |"
        for code in FailureCode
    ]
    return _FAILURE_CODES.format(rows="\n".join(rows))


def audit_actions() -> str:
    """Return the page of audit actions, a table for each room."""
    tables = [
        f"## {room}\n\n| action | what changed |\n|---|---|\n"
        + "\n".join(f"| `{one.value}` | {one.meaning} |" for one in actions)
        for room, actions in _ACTIONS.items()
    ]
    return _AUDIT_ACTIONS.format(tables="\n\n".join(tables))


def metrics() -> str:
    """Return the page of metrics: those that processes count, and those read at each scrape."""
    counted = [
        (_exposed(family), family.type, one._labelnames, family.documentation)
        for one in vars(process_metrics).values()
        if isinstance(one, MetricWrapperBase)
        for family in one.describe()
    ]
    read = [
        (name, "gauge", one.labels, description)
        for one in all_gauges()
        for name, description in one.values.values()
    ]
    return _METRICS.format(counted=_metric_table(counted), read=_metric_table(read))


def _exposed(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _metric_table(found: Iterable[tuple[str, str, Sequence[str], str]]) -> str:
    rows = [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {description} |"
        for name, kind, labels, description in found
    ]
    return "| metric | type | labels | meaning |\n|---|---|---|---|\n" + "\n".join(rows)


def event_types() -> str:
    """Return the page of event types, each with the changes that it tells."""
    told = {named: list[Action]() for named in all_types()}
    for action, named in EVENT_TYPES.items():
        told[named].append(action)
    told[SUCCEEDED] += MAY_SUCCEED
    return _EVENT_TYPES.format(
        types="\n".join(
            f"| `{named}` | {' '.join(one.meaning for one in actions)} |"
            for named, actions in told.items()
        ),
        silent="\n".join(f"| `{action.value}` | {reason} |" for action, reason in SILENT.items()),
    )


def error_codes() -> str:
    """Return the page of the error codes."""
    rows = [f"| `{one.code}` | {one.status} | {one.advice} |" for one in ERROR_CODES]
    others = [f"| `{one.code}` | {one.status} | {one.advice} |" for one in OTHER_CODES]
    return _ERROR_CODES.format(codes="\n".join(rows), others="\n".join(others))


def openapi() -> str:
    """Return the OpenAPI document of the API."""
    return json.dumps(api_document(), indent=1, sort_keys=True) + "\n"


PAGES = {
    "metrics.md": metrics,
    "lifecycle.md": lifecycle,
    "failure-codes.md": failure_codes,
    "audit-actions.md": audit_actions,
    "event-types.md": event_types,
    "error-codes.md": error_codes,
    "test-tokens.md": tokens_page,
    "../openapi.json": openapi,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
