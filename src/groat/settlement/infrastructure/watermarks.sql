-- name: insert_feeds
-- Begin to read the movements of provider accounts that have no feed yet: from the second of their creation on.
insert into movement_feed (merchant_id, provider_account_id, starts_at, watermark, rechecked_at, due_at)
select
    merchant_id, id, date_trunc('second', created_at), date_trunc('second', created_at), created_at, now()
from provider_account
where deleted_at is null
on conflict (merchant_id, provider_account_id) do nothing

-- name: find_span
-- Find the time from which the movements of an account are read, and the time up to which they were. A new account has
-- no feed yet.
select
    coalesce(f.starts_at, date_trunc('second', a.created_at)) as starts_at,
    coalesce(f.watermark, date_trunc('second', a.created_at)) as watermark
from provider_account a
left join movement_feed f on f.merchant_id = a.merchant_id and f.provider_account_id = a.id
where a.merchant_id = %(merchant_id)s and a.id = %(provider_account_id)s

-- name: claim_feed
-- Claim the feed that is due for the longest time, until the end of the lease. Another worker skips it.
update movement_feed f
set attempts = f.attempts + 1, due_at = now() + %(lease)s::interval
from (
    select d.merchant_id, d.provider_account_id
    from movement_feed d
    join provider_account a on a.merchant_id = d.merchant_id and a.id = d.provider_account_id
        and a.deleted_at is null
    where d.due_at <= now()
    order by d.due_at
    limit 1
    for no key update of d skip locked
) as due
where f.merchant_id = due.merchant_id and f.provider_account_id = due.provider_account_id
returning
    f.merchant_id, f.provider_account_id, f.starts_at, f.watermark, f.rechecked_at, f.attempts, now() as read_at

-- name: renew_feed
-- Renew the claim of a worker that reads several windows. No row: the claim has expired, and another worker reads.
update movement_feed
set due_at = now() + %(lease)s::interval
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and attempts = %(attempts)s
returning attempts

-- name: finish_feed
-- Note a window that was read, or why it was not. A worker whose claim has expired notes nothing.
update movement_feed
set watermark = greatest(watermark, %(watermark)s::timestamptz),
    rechecked_at = greatest(rechecked_at, %(rechecked_at)s::timestamptz), due_at = now() + %(pause)s::interval,
    reason = %(reason)s::text
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and attempts = %(attempts)s
