"""The audit changes of provider events."""

from __future__ import annotations

import hashlib

from groat.audit.domain.record import Cause, Change
from groat.inbox.domain.actions import InboxAction
from groat.inbox.domain.conclusion import Settled
from groat.inbox.domain.event import ClaimedEvent, ProviderEvent
from groat.kernel import ids
from groat.kernel.caller import Caller

_KIND = "provider_event"


def settled(event: ClaimedEvent, conclusion: Settled) -> Change:
    """Return the change of an event that is settled for good.

    It holds the hash of the body: the body may expire, and the record still proves its content.
    """
    account_id = event.provider_account_id
    return Change(
        InboxAction.EVENT_SETTLED,
        _KIND,
        event.id,
        ids.render("provider_account", account_id),
        Cause.of("provider_account", account_id),
        {
            "provider_reference": event.provider_reference,
            "type": event.event_type,
            "body_sha256": hashlib.sha256(event.body).hexdigest(),
            "status": conclusion.status.value,
            "reason": conclusion.reason,
        },
    )


def replayed(caller: Caller, event: ProviderEvent) -> Change:
    """Return the change of an event that was made due again; ``event`` is as it was before."""
    return Change.by(
        caller,
        InboxAction.EVENT_REPLAYED,
        _KIND,
        event.id,
        was=event.status.value,
        reason=event.reason,
    )
