-- name: insert_movements
-- Insert the movements whose keys are new. A known movement keeps its content, and takes a payout that it did
-- not have. The rows come in key order, so two batches with the same keys cannot deadlock.
insert into movement (
    merchant_id, provider_account_id, key, category, label, occurred_at, recorded_at, currency, gross, fee, tax,
    source, parent, payout, pool, fee_parts
)
select
    %(merchant_id)s::bigint, %(provider_account_id)s::uuid, key, category, label, occurred_at,
    %(now)s::timestamptz, currency, gross, fee, tax, source, parent, payout, pool, fee_parts::jsonb
from unnest(
    %(keys)s::text[], %(categories)s::text[], %(labels)s::text[], %(times)s::timestamptz[],
    %(currencies)s::text[], %(gross)s::bigint[], %(fees)s::bigint[], %(taxes)s::bigint[], %(sources)s::text[],
    %(parents)s::text[], %(payouts)s::text[], %(pools)s::text[], %(fee_parts)s::text[]
) as n (
    key, category, label, occurred_at, currency, gross, fee, tax, source, parent, payout, pool, fee_parts
)
on conflict (merchant_id, provider_account_id, key) do update
set payout = excluded.payout
where movement.payout is null and excluded.payout is not null
returning key, xmax = 0 as is_new

-- name: find_movements
-- Find movements by their keys, to compare them with the rows of a report.
select
    key, category, label, occurred_at, currency, gross, fee, tax, source, parent, payout, pool, fee_parts
from movement
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and key = any(%(keys)s::text[])

-- name: list_movements
-- List the movements of a span, in key order, page by page: a whole account fits into memory this way.
select
    key, category, label, occurred_at, currency, gross, fee, tax, source, parent, payout, pool, fee_parts
from movement
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and key > %(after)s and occurred_at >= %(since)s and occurred_at < %(until)s
order by key
limit %(limit)s

-- name: find_objects_of_movements
-- Find the provider's ids of the objects whose movements have this key, object or payout. The keys begin with the provider account.
select coalesce(m.source, '') as source, coalesce(m.parent, '') as parent, 'movement' as field
from provider_account a
join movement m on m.merchant_id = a.merchant_id and m.provider_account_id = a.id and m.key = %(text)s
where a.merchant_id = %(merchant_id)s
union
select * from (
    select coalesce(source, ''), coalesce(parent, ''), 'object of a movement' from movement
    where merchant_id = %(merchant_id)s and source = %(text)s
    limit %(limit)s
) as of_object
union
select * from (
    select coalesce(source, ''), coalesce(parent, ''), 'payout' from movement
    where merchant_id = %(merchant_id)s and payout = %(text)s
    limit %(limit)s
) as of_payout

-- name: list_payouts
-- List the movements of payouts, newest first.
select
    key, category, label, occurred_at, currency, gross, fee, tax, source, parent, payout, pool, fee_parts
from movement
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s and category = 'payout'
order by occurred_at desc, key desc
limit %(limit)s

-- name: list_of_payout
-- List the movement of a payout, the movements of its return, and those that a report lists for it, oldest first.
select
    key, category, label, occurred_at, currency, gross, fee, tax, source, parent, payout, pool, fee_parts
from movement
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and (key = %(reference)s or source = %(reference)s or parent = %(reference)s or payout = %(reference)s)
order by occurred_at, key

-- name: sum_movements
-- Sum the posted movements of the available balance up to the end of a span, by category. Those before the span are
-- its opening balance.
select
    m.currency, m.category, m.label, m.occurred_at < %(since)s as is_before, count(*) as count,
    sum(m.gross)::bigint as gross, sum(m.fee)::bigint as fee, sum(m.tax)::bigint as tax
from movement m
where m.merchant_id = %(merchant_id)s and m.provider_account_id = %(provider_account_id)s
    and m.occurred_at < %(until)s and m.pool = 'available' and exists (
        select from movement_attribution p
        where p.merchant_id = m.merchant_id and p.provider_account_id = m.provider_account_id
            and p.movement_key = m.key and p.number = 1
    )
group by m.currency, m.category, m.label, is_before
order by m.currency, m.category, m.label

-- name: list_unposted
-- List the movements of a span that are stored and have no place, oldest first.
select
    key, category, label, occurred_at, currency, gross, fee, tax, source, parent, payout, pool, fee_parts
from movement m
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and occurred_at >= %(since)s and occurred_at < %(until)s and not exists (
        select from movement_attribution p
        where p.merchant_id = m.merchant_id and p.provider_account_id = m.provider_account_id
            and p.movement_key = m.key and p.number = 1
    )
order by occurred_at, key

-- name: find_unposted
-- Find the movements that have no place yet. insert_movements has locked them, also those that it did not change.
-- A statement after the lock sees what others have committed.
select
    key, category, label, occurred_at, currency, gross, fee, tax, source, parent, payout, pool, fee_parts
from movement m
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and key = any(%(keys)s::text[]) and not exists (
        select from movement_attribution p
        where p.merchant_id = m.merchant_id and p.provider_account_id = m.provider_account_id
            and p.movement_key = m.key and p.number = 1
    )

-- name: find_posted_keys
-- Find the movements of a window that were posted before, so that only the others need an owner.
select movement_key
from movement_attribution
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and movement_key = any(%(keys)s::text[]) and number = 1

-- name: insert_attributions
-- Insert the first places of movements.
insert into movement_attribution (
    merchant_id, provider_account_id, movement_key, number, place, reference, reason, payment_id, borne,
    transaction_id, attributed_at
)
select
    %(merchant_id)s::bigint, %(provider_account_id)s::uuid, key, 1, place, reference, reason, payment_id,
    case when payment_id is not null then borne end, transaction_id, %(now)s::timestamptz
from unnest(
    %(keys)s::text[], %(places)s::text[], %(references)s::text[], %(reasons)s::text[], %(payment_ids)s::uuid[],
    %(borne)s::bigint[], %(transaction_ids)s::uuid[]
) as n (key, place, reference, reason, payment_id, borne, transaction_id)

-- name: lock_movement
-- Lock a movement that a person decides on. Two decisions at once wait for each other.
select key
from movement
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s and key = %(key)s
for no key update

-- name: find_place
-- A separate statement after the lock, which therefore sees the place that an earlier decision has written. Find a
-- movement with its present place.
select
    m.key, m.category, m.label, m.occurred_at, m.currency, m.gross, m.fee, m.tax, m.source, m.parent, m.payout, m.pool,
    m.fee_parts, p.number, p.place, p.reference, p.reason
from movement m
join movement_attribution p on p.merchant_id = m.merchant_id and p.provider_account_id = m.provider_account_id
    and p.movement_key = m.key
where m.merchant_id = %(merchant_id)s and m.provider_account_id = %(provider_account_id)s and m.key = %(key)s
order by p.number desc
limit 1

-- name: insert_place
-- Insert a further place of a movement.
insert into movement_attribution (
    merchant_id, provider_account_id, movement_key, number, place, reference, reason, transaction_id, attributed_at
) values (
    %(merchant_id)s, %(provider_account_id)s, %(key)s, %(number)s, %(place)s, %(reference)s, %(reason)s,
    %(transaction_id)s, %(now)s
)

-- name: list_suspense
-- List the movements whose present place is suspense, oldest first.
select
    m.provider_account_id, m.key, m.category, m.label, m.occurred_at, m.currency, m.gross, m.fee, m.tax, m.source,
    m.parent, m.payout, m.pool, m.fee_parts, p.number, p.place, p.reference, p.reason, p.attributed_at
from movement_attribution p
join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
    and m.key = p.movement_key
where p.merchant_id = %(merchant_id)s and p.place = 'suspense'
    and (%(provider_account_id)s::uuid is null or p.provider_account_id = %(provider_account_id)s::uuid)
    and not exists (
        select from movement_attribution l
        where l.merchant_id = p.merchant_id and l.provider_account_id = p.provider_account_id
            and l.movement_key = p.movement_key and l.number > p.number
    )
order by p.attributed_at, p.provider_account_id, p.movement_key
limit %(limit)s

-- name: open_items
-- Insert an empty item for each object that has none, in order. An item must exist to be locked: otherwise the
-- first fact and the first movement of an object would not see each other. An object whose fact and movement come
-- in one transaction and cancel out needs none: the keys of the fact and of the movement keep others away.
insert into open_item (merchant_id, provider_account_id, reference, parent, since, told, booked)
select %(merchant_id)s::bigint, %(provider_account_id)s::uuid, reference, parent, %(now)s::timestamptz, 0, 0
from unnest(%(references)s::text[], %(parents)s::text[]) as n (reference, parent)
order by reference collate "C"
on conflict (merchant_id, provider_account_id, reference) do nothing

-- name: lock_items
-- Lock the items of some objects, and all items of their charges, in order.
select reference, parent, since, told_currency, told, booked_currency, booked
from open_item
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and parent in (
        select parent from open_item
        where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
            and reference = any(%(references)s::text[])
        union all
        select * from unnest(%(references)s::text[] || %(parents)s::text[])
    )
order by reference
for no key update

-- name: update_items
-- Write the sums of items that this transaction has locked.
update open_item i
set parent = n.parent, told_currency = n.told_currency, told = n.told, booked_currency = n.booked_currency,
    booked = n.booked
from unnest(
    %(references)s::text[], %(parents)s::text[], %(told_currencies)s::text[], %(told)s::bigint[],
    %(booked_currencies)s::text[], %(booked)s::bigint[]
) as n (reference, parent, told_currency, told, booked_currency, booked)
where i.merchant_id = %(merchant_id)s and i.provider_account_id = %(provider_account_id)s
    and i.reference = n.reference

-- name: list_open_items
-- List the objects whose facts and movements do not cancel out, oldest first.
select reference, parent, since, told_currency, told, booked_currency, booked
from open_item
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and told + booked <> 0 and (told = 0 or booked = 0 or told_currency = booked_currency)
order by since, reference
limit %(limit)s
