"""The audit actions of routing. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class RoutingAction(Action):
    """The changes of routing rules."""

    RULES_REPLACED = "routing_rules.replaced", "A new version of the routing rules is in force."
