"""Convert the routes of payments to JSON and back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from groat.kernel.ids import ProviderAccountId
from groat.providers.domain.failures import FailureCode, known_codes
from groat.routing.domain.route import Leg, Route


def to_json(route: Route) -> str:
    """Return a route as JSON, for the column ``payment.route``."""
    return json.dumps(
        {
            "legs": [[str(leg.provider_account_id), leg.payment_method] for leg in route.legs],
            "fallback_on": sorted(route.fallback_on),
            "at": route.at,
            "fallback_within_seconds": route.fallback_within // timedelta(seconds=1),
        }
    )


def from_document(document: dict[str, Any]) -> Route:
    """Return the route in a document of ``payment.route``."""
    return Route(
        tuple(Leg(ProviderAccountId(UUID(one)), token) for one, token in document["legs"]),
        frozenset(FailureCode(code) for code in known_codes(document["fallback_on"])),
        document["at"],
        timedelta(seconds=document["fallback_within_seconds"]),
    )
