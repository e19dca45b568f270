"""The audit actions of the audit trail itself. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class AuditAction(Action):
    """The changes of the keys that sign checkpoints."""

    KEY_CREATED = "audit_key.created", "A key began to sign the checkpoints of the log."
    KEY_RETIRED = "audit_key.retired", "A key no longer signs the checkpoints of the log."
