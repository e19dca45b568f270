"""The audit actions of the inbox. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class InboxAction(Action):
    """The changes of the inbox."""

    EVENT_SETTLED = "provider_event.settled", "A provider event was settled for good."
    EVENT_REPLAYED = "provider_event.replayed", "A provider event was made due again."
    BACKFILLED = "provider_account.backfilled", "Events of the provider's list were added."
