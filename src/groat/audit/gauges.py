"""Gauges of the audit trail, for ``/metrics``."""

from __future__ import annotations

from groat.platform.postgres.gauges import StateGauges
from groat.platform.postgres.queries import load_queries

_QUERIES = load_queries(__file__, "infrastructure/gauges.sql")


def gauges() -> list[StateGauges]:
    """Return the gauges of the audit trail."""
    return [
        StateGauges(
            _QUERIES["unsealed"],
            {
                "records": ("groat_audit_unsealed_records", "Audit records that wait for a leaf."),
                "oldest_seconds": (
                    "groat_audit_unsealed_oldest_seconds",
                    "Age of the oldest audit record that waits for a leaf; 0 without one.",
                ),
            },
        ),
        StateGauges(
            _QUERIES["last_verification"],
            {
                "finished_at": (
                    "groat_verification_timestamp_seconds",
                    "Time at which the last `groat verify` ended, in seconds since 1970.",
                ),
                "ok": (
                    "groat_verification_ok",
                    "1 if every check of the last `groat verify` held, else 0.",
                ),
            },
        ),
    ]
