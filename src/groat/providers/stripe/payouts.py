"""Read Stripe's payouts. Source: docs.stripe.com/api/payouts and /payouts/reconciliation."""

from __future__ import annotations

from groat.kernel.errors import InvalidRequest
from groat.kernel.moments import EARLIEST, from_unix
from groat.providers.domain.movements import Movement
from groat.providers.domain.payouts import Payout, ToldPayout
from groat.providers.port import Unknown
from groat.providers.reading import Malformed, convert
from groat.providers.stripe.amounts import stripe_money
from groat.providers.stripe.client import PAGE_SIZE, StripeClient, as_json, if_there
from groat.providers.stripe.movements import movement as to_movement
from groat.providers.stripe.payloads import BookedTransaction, StripePayoutPayload


class StripePayoutBook:
    """The ``PayoutBook`` of a Stripe account."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def payout(self, reference: str) -> ToldPayout | Unknown | None:
        """Retrieve a payout, and list the balance transactions of an automatic one."""
        found = await self._client.look_up(if_there(self._client.payouts.retrieve_async(reference)))
        if found is None or isinstance(found, Unknown):
            return found
        try:
            shown = convert(StripePayoutPayload, as_json(found))
            listed = await self._listed(reference, shown) if shown.automatic else ()
            if isinstance(listed, Unknown):
                return listed
            return ToldPayout(_payout(reference, shown), listed)
        except (Malformed, InvalidRequest) as error:
            return Unknown(f"unreadable: {error}")

    async def _listed(
        self, reference: str, shown: StripePayoutPayload
    ) -> tuple[Movement, ...] | Unknown:
        listed = await self._client.look_up(self._transactions(reference))
        if isinstance(listed, Unknown):
            return listed
        told_at = from_unix(shown.created) or EARLIEST
        return tuple(
            to_movement(convert(BookedTransaction, one), told_at, reference) for one in listed
        )

    async def _transactions(self, reference: str) -> list[object]:
        page = await self._client.balance_transactions.list_async(
            {"payout": reference, "limit": PAGE_SIZE, "expand": ["data.source"]}
        )
        return [one.to_dict() async for one in page.auto_paging_iter()]


def _payout(reference: str, shown: StripePayoutPayload) -> Payout:
    money = stripe_money(shown.amount, shown.currency)
    return Payout(
        reference,
        money.currency,
        money.amount,
        shown.status,
        shown.automatic,
        shown.reconciliation_status == "completed",
        from_unix(shown.arrival_date),
    )
