"""Reports about payments, each with its origin. Pure."""

from __future__ import annotations

from groat.audit.domain.record import Cause
from groat.kernel.ids import OperationId, ProviderAccountId
from groat.kernel.value import Value
from groat.providers.domain.facts import Report


class Arrival(Value):
    """A report with its origin.

    ``cause`` is the operation or the provider event that brought the report.
    ``operation_id`` is the operation that the report answers, if it answers one.
    ``told_by`` is the operator who states the fact; None for a provider's report or our own.
    """

    provider_account_id: ProviderAccountId
    report: Report
    cause: Cause
    operation_id: OperationId | None = None
    told_by: str | None = None
