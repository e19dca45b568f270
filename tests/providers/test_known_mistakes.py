"""Mistakes that adapters make, each in an adapter that is right but for it: the suite sees them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.providers.author import SUITE, run_forked


@dataclass(frozen=True, slots=True)
class Mistake:
    """``wrong`` where ``right`` has to be, and the test that has to see it."""

    right: str
    wrong: str
    seen_by: str


MISTAKES = {
    "a lost answer is taken for not sent": Mistake(
        "except reading.NEVER_SENT",
        "except (httpx.HTTPError, TimeoutError)",
        "test_faults.py::test_lost_answer_is_unknown_until_looked_up[cut_after-refund]",
    ),
    "a server error is taken for a no": Mistake(
        "case 400 | 404 | 422:",
        "case 400 | 404 | 422 | 500 | 503:",
        "test_faults.py::test_server_error_is_unknown[authorize]",
    ),
    "a rate limit is taken for a lost answer": Mistake(
        "case 429:",
        "case 430:",
        "test_faults.py::test_rate_limited_call_was_not_sent[capture]",
    ),
    "every try has a key of its own": Mistake(
        '"idempotency-key": request.idempotency_key',
        '"idempotency-key": str(asyncio.get_running_loop().time())',
        "test_keys.py::test_same_key_has_one_effect_and_one_answer[authorize]",
    ),
    "amounts are rounded": Mistake(
        '"amount": request.amount.amount,\n            "currency"',
        '"amount": round(request.amount.amount, -1),\n            "currency"',
        "test_amounts.py::test_amount_is_captured_exactly_or_declined[1.055 KWD]",
    ),
    "a refund does not say whose it is": Mistake(
        "refunded, refund_id, self.id",
        "refunded, None, self.id",
        "test_webhooks.py::test_webhook_reports_a_refund_like_the_reply",
    ),
    "webhooks and replies have references of their own": Mistake(
        "return self.payment.reports()",
        'return __import__("msgspec").structs.replace(self.payment, id=self.id).reports()',
        "test_webhooks.py::test_webhook_reports_a_capture_like_the_reply",
    ),
    "a webhook says something else when it is read alone": Mistake(
        "return self.read(event_type, body)",
        "return port.Answered(())",
        "test_webhooks.py::test_webhook_read_alone_reports_the_same_as_interpreted",
    ),
    "a webhook is believed if it is signed at all": Mistake(
        "if any(",
        "if given or any(",
        "test_webhooks.py::test_webhook_with_one_changed_byte_is_rejected",
    ),
    "an event is known by what it is about": Mistake(
        "port.Envelope(self.id,",
        "port.Envelope(self.payment.id,",
        "test_webhooks.py::test_event_has_the_same_id_in_every_delivery",
    ),
    "a strange header is an exception": Mistake(
        '"").encode()',
        '"").encode("ascii")',
        "test_bad_input.py::test_strange_characters_in_any_header_raise_nothing[latin]",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_suite_detects_a_known_mistake(
    name: str, pebble: tuple[Path, Path], tmp_path: Path
) -> None:
    mistake, (repository, installed) = MISTAKES[name], pebble
    mistaken = shutil.copytree(repository, tmp_path / "pebble")
    adapter = mistaken / "groat_pebble" / "adapter.py"
    right = adapter.read_text()
    assert right.count(mistake.right) == 1
    adapter.write_text(right.replace(mistake.right, mistake.wrong))
    file, _, test = mistake.seen_by.partition("::")
    module = f"{SUITE}.{file.removesuffix('.py')}::{test}"
    done = run_forked(mistaken, "--pyargs", module, path=installed)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
