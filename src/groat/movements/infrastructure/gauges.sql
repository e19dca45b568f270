-- name: open_items
-- Count the open items, and tell the age of the oldest. The conditions are those of the index.
select
    count(*) as items, coalesce(extract(epoch from now() - min(since)), 0)::double precision as oldest_seconds
from open_item
where told + booked <> 0 and (told = 0 or booked = 0 or told_currency = booked_currency)
