"""Gauges of the state in the database, which a scrape of ``/metrics`` reads.

Each room defines its own, one query each, as it defines its checks. A query returns a row for each
combination of the labels, with the labels and the values as columns. It reads an index or a small
table: a scrape takes milliseconds whatever the number of payments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily

from groat.platform.postgres.connection import Connection, Row
from groat.platform.postgres.queries import Query


@dataclass(frozen=True, slots=True)
class StateGauges:
    """The gauges of one query.

    ``values`` maps each column with a value to the name and the description of its gauge.
    """

    query: Query
    values: Mapping[str, tuple[str, str]]
    labels: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)


async def read_gauges(
    connection: Connection, declared: Sequence[StateGauges]
) -> list[GaugeMetricFamily]:
    """Read all gauges in one exchange with PostgreSQL."""
    answers = await connection.fetch_each(*((one.query, one.parameters) for one in declared))
    return [
        _family(one, column, rows)
        for one, rows in zip(declared, answers, strict=True)
        for column in one.values
    ]


def _family(declared: StateGauges, column: str, rows: Iterable[Row]) -> GaugeMetricFamily:
    name, description = declared.values[column]
    family = GaugeMetricFamily(name, description, labels=declared.labels)
    for row in rows:
        labels = [str(getattr(row, label)) for label in declared.labels]
        family.add_metric(labels, float(getattr(row, column)))
    return family
