"""Reports of providers as they arrive, with their origin. Pure."""

from __future__ import annotations

from groat.audit.domain.record import Cause
from groat.kernel.ids import OperationId, ProviderAccountId
from groat.kernel.value import Value
from groat.providers.domain.facts import Report


class Arrival(Value):
    """A report that has come in. ``cause`` is the operation or the provider event it came with.

    ``operation_id`` is the operation that it answers, if it is an answer. ``told_by`` is who says
    so where that is neither the provider nor we ourselves.
    """

    provider_account_id: ProviderAccountId
    report: Report
    cause: Cause
    operation_id: OperationId | None = None
    told_by: str | None = None
