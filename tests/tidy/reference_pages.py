"""Writes the pages of ``docs/reference`` that follow from the code: ``make docs``."""

from __future__ import annotations

from pathlib import Path

from groat.payments.domain.lifecycle import LIFECYCLE, TERMINAL, Answer, Next, Status
from groat.providers.domain.failures import MEANINGS, FailureCode

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

_LIFECYCLE = """\
# The life of a payment

Drawn from the table in `payments/domain/lifecycle.py`, which has an answer for every status and
every fact.

```mermaid
stateDiagram-v2
    [*] --> {first}: created
{arrows}
{ends}
```

| status | fact | what comes of it |
|---|---|---|
{rows}

*Already so*: the fact is known, nothing changes. *Late*: recorded, nothing changes.
*Contradiction*: money moved that the payment cannot account for; recorded and set aside for an
operator, and nothing is posted. A capture that was applied before is told apart first, by its
effect.
"""

_FAILURE_CODES = """\
# Why a payment failed

A failed payment carries one of these codes in `failure_code`, whichever provider it went to.

| code | what it tells |
|---|---|
{rows}
"""


def lifecycle() -> str:
    """Return the table of a payment's life, as a diagram and as a table."""
    arrows = [
        f"    {status} --> {answer.status}: {fact.__name__}"
        for (status, fact), answer in LIFECYCLE.items()
        if isinstance(answer, Next)
    ]
    rows = [
        f"| {status} | {fact.__name__} | {_told(answer)} |"
        for (status, fact), answer in LIFECYCLE.items()
    ]
    ends = [f"    {status} --> [*]" for status in Status if status in TERMINAL]
    return _LIFECYCLE.format(
        first=Status.PROCESSING,
        arrows="\n".join(arrows),
        ends="\n".join(ends),
        rows="\n".join(rows),
    )


def _told(answer: Answer) -> str:
    return f"**{answer.status}**" if isinstance(answer, Next) else answer.replace("_", " ")


def failure_codes() -> str:
    """Return what a failed payment's code tells."""
    rows = [f"| `{code}` | {MEANINGS[code]} |" for code in FailureCode]
    return _FAILURE_CODES.format(rows="\n".join(rows))


PAGES = {"lifecycle.md": lifecycle, "failure-codes.md": failure_codes}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
