"""The gauges of all rooms."""

from __future__ import annotations

from groat.accounts import gauges as accounts
from groat.audit import gauges as audit
from groat.inbox import gauges as inbox
from groat.movements import gauges as movements
from groat.payments import gauges as payments
from groat.platform.postgres import heartbeat
from groat.platform.postgres.gauges import StateGauges


def all_gauges() -> list[StateGauges]:
    """Return the gauges of all rooms."""
    return [
        *accounts.gauges(),
        *movements.gauges(),
        *payments.gauges(),
        *inbox.gauges(),
        *audit.gauges(),
        *heartbeat.gauges(),
    ]
