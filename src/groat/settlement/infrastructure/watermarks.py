"""Read and write the progress of feeds."""

from __future__ import annotations

from datetime import datetime, timedelta

from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.value import Value
from groat.platform.postgres.connection import Connection, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "watermarks.sql")


class ClaimedFeed(Value):
    """A feed that a worker reads. Times are PostgreSQL's; ``read_at`` is the time of the claim."""

    merchant_id: MerchantId
    provider_account_id: ProviderAccountId
    starts_at: datetime
    watermark: datetime
    rechecked_at: datetime
    attempts: int
    read_at: datetime

    @property
    def fence(self) -> dict[str, object]:
        """The parameters that name the feed and the claim."""
        return {
            "merchant_id": self.merchant_id,
            "provider_account_id": self.provider_account_id,
            "attempts": self.attempts,
        }


async def claim(connection: Connection, lease: timedelta) -> ClaimedFeed | None:
    """Claim a due feed, None if none is due. Begin the feeds of new provider accounts."""
    connection.write(QUERIES["insert_feeds"], {})
    claimed = await connection.fetch(QUERIES["claim_feed"], {"lease": lease})
    return next(iter(values(ClaimedFeed, claimed)), None)


class FeedSpan(Value):
    """The time from which an account's movements are read, and the time up to which they were."""

    starts_at: datetime
    watermark: datetime


async def span_of(
    connection: Connection, merchant_id: MerchantId, account_id: ProviderAccountId
) -> FeedSpan:
    """Return the span that an account's feed has read, empty for the feed of a new account.

    Raises:
        LookupError: the account does not exist.
    """
    found = await connection.fetch(
        QUERIES["find_span"], {"merchant_id": merchant_id, "provider_account_id": account_id}
    )
    if not found:
        raise LookupError(account_id)
    return values(FeedSpan, found)[0]


async def start_of(
    connection: Connection, merchant_id: MerchantId, account_id: ProviderAccountId
) -> datetime:
    """Return the time from which an account's movements are read. Begin the feeds of new accounts.

    Raises:
        LookupError: the account does not exist.
    """
    connection.write(QUERIES["insert_feeds"], {})
    return (await span_of(connection, merchant_id, account_id)).starts_at


async def renew(connection: Connection, feed: ClaimedFeed, lease: timedelta) -> bool:
    """Renew a claim; return whether the worker still holds it."""
    row = await connection.fetch_one(QUERIES["renew_feed"], {**feed.fence, "lease": lease})
    return row is not None


def finish(
    connection: Connection,
    feed: ClaimedFeed,
    watermark: datetime,
    rechecked_at: datetime,
    pause: timedelta,
    reason: str | None,
) -> None:
    """Note how far a feed was read, when its past was, and when it is due again."""
    connection.write(
        QUERIES["finish_feed"],
        {
            **feed.fence,
            "watermark": watermark,
            "rechecked_at": rechecked_at,
            "pause": pause,
            "reason": reason,
        },
    )
