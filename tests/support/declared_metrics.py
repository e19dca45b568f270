"""The metrics that the engine declares."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase

from groat.app.gauges import all_gauges
from groat.platform.process import metrics


def declared_metrics() -> set[str]:
    """Return the names of all metrics; those of counters without ``_total``."""
    counted = {
        family.name
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
        for family in metric.describe()
    }
    return counted | {name for one in all_gauges() for name, _ in one.values.values()}
