"""The metrics that a process counts by itself, for Prometheus.

``docs/reference/metrics.md`` lists them, with those that are read from the database. Label values
come from fixed sets, such as routes and outcomes. ``account`` is the id of a provider account: a
merchant has a few of them.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
_ROWS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)

REQUESTS = Counter(
    "groat_http_requests",
    "Requests to the API.",
    ["method", "route", "status"],
)
REQUEST_SECONDS = Histogram(
    "groat_http_request_seconds",
    "Duration of requests to the API.",
    ["method", "route"],
    buckets=_SECONDS,
)
DELIVERIES = Counter(
    "groat_webhook_deliveries",
    "Deliveries of webhooks by providers: `accepted`, or the code of the refusal.",
    ["outcome"],
)
PROVIDER_CALL_SECONDS = Histogram(
    "groat_provider_call_seconds",
    "Duration of calls to providers. The outcome is `answered`, `not_sent`, `unknown` or `raised`.",
    ["account", "operation", "outcome"],
    buckets=_SECONDS,
)
BREAKER_STATE = Gauge(
    "groat_breaker_state",
    "State of the circuit breaker of a provider account, as this process last saw it: 0 closed, "
    "1 half open, 2 open.",
    ["account"],
)
EVENT_LAG_SECONDS = Histogram(
    "groat_provider_event_lag_seconds",
    "Time from the arrival of a provider event to its settlement.",
    ["status"],
    buckets=_LAG_SECONDS,
)
BATCH_ROWS = Histogram(
    "groat_work_batch_rows",
    "Rows in a batch of a worker's due work. Batches without rows are not counted.",
    ["work"],
    buckets=_ROWS,
)
BATCH_SECONDS = Histogram(
    "groat_work_batch_seconds",
    "Duration of a batch of a worker's due work.",
    ["work"],
    buckets=_SECONDS,
)
WORK_FAILURES = Counter(
    "groat_work_failures",
    "Batches of a worker's due work that failed and will be tried again.",
    ["work"],
)
POSTING_BATCH = Histogram(
    "groat_ledger_batch_units",
    "Callers' units that are posted together.",
    buckets=_ROWS,
)
POOL_CONNECTIONS = Gauge(
    "groat_database_connections",
    "Connections of this process to PostgreSQL: `used`, `idle`, and the `max` that it may open.",
    ["state"],
)
POOL_WAITING = Gauge(
    "groat_database_waiting",
    "Tasks of this process that wait for a connection to PostgreSQL.",
)
SCRAPE_FAILURES = Counter(
    "groat_scrape_failures",
    "Scrapes of this process that could not read the gauges in the database.",
)
