"""The harness of Stripe's adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from groat.kernel.clock import SystemClock
from groat.providers.conformance.harness import Credentials, PaymentMethods
from groat.providers.domain.failures import FailureCode
from groat.simulator.stripe.app import create_stripe_app
from tests.providers.stand_in import StandIn, served

KEY = "sk_test_groat"
NOBODY = "http://127.0.0.1:1"

METHODS = PaymentMethods(
    succeeds="pm_card_visa",
    declined={
        "pm_card_chargeDeclined": FailureCode.DO_NOT_HONOR,
        "pm_card_chargeDeclinedInsufficientFunds": FailureCode.INSUFFICIENT_FUNDS,
        "pm_card_chargeDeclinedStolenCard": FailureCode.LOST_OR_STOLEN,
        "pm_card_chargeDeclinedExpiredCard": FailureCode.EXPIRED_CARD,
        "pm_card_chargeDeclinedProcessingError": FailureCode.PROCESSING_ERROR,
    },
    requires_action="pm_card_authenticationRequired",
)


@asynccontextmanager
async def open_harness() -> AsyncIterator[StandIn]:
    async with served(create_stripe_app(SystemClock())) as (http, receiver):
        form = {"url": receiver.url, "enabled_events[]": "*"}
        endpoint = await http.post("/v1/webhook_endpoints", data=form, auth=(KEY, ""))
        secret = endpoint.raise_for_status().json()["secret"]
        good = {"api_key": KEY, "api_base": str(http.base_url), "webhook_secret": secret}
        yield StandIn(
            http=http,
            receiver=receiver,
            credentials=Credentials(
                good=good,
                unreachable={**good, "api_base": NOBODY},
                refused={**good, "api_key": "pk_test_groat"},
                strange={**good, "webhook_secret": "whsec_of_another"},
            ),
            payment_methods=METHODS,
            completion="complete_action",
            own_reference=str,
        )
