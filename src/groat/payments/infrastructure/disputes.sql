-- name: upsert_disputes
-- Needs no lock of its own: disputes change only under their payment's lock.
insert into dispute as d (
    merchant_id, id, payment_id, provider_account_id, provider_reference, status, amount, withdrawn,
    reinstated, created_at, updated_at
)
select
    %(merchant_id)s::bigint, id, payment_id, provider_account_id, provider_reference, status, amount,
    withdrawn, reinstated, created_at, updated_at
from unnest(
    %(ids)s::uuid[], %(payment_ids)s::uuid[], %(provider_account_ids)s::uuid[],
    %(provider_references)s::text[], %(statuses)s::text[], %(amounts)s::bigint[],
    %(withdrawn)s::bigint[], %(reinstated)s::bigint[], %(created)s::timestamptz[],
    %(updated)s::timestamptz[]
) as n (
    id, payment_id, provider_account_id, provider_reference, status, amount, withdrawn, reinstated,
    created_at, updated_at
)
on conflict (merchant_id, id) do update
set status = excluded.status, withdrawn = excluded.withdrawn, reinstated = excluded.reinstated,
    updated_at = excluded.updated_at

-- name: note_shortfalls
-- A second update: only the posting shows how much the beneficiary lacked.
update dispute d
set shortfall = n.shortfall
from unnest(%(ids)s::uuid[], %(shortfalls)s::bigint[]) as n (id, shortfall)
where d.merchant_id = %(merchant_id)s and d.id = n.id

-- name: find_disputes
-- For facts, under the lock of their payments; and for one dispute by its id.
select
    d.id, d.payment_id, d.provider_account_id, d.provider_reference, d.status, d.amount, p.currency,
    d.withdrawn, d.reinstated, d.shortfall, d.created_at, d.updated_at
from dispute d
join payment p on p.merchant_id = d.merchant_id and p.id = d.payment_id
where d.merchant_id = %(merchant_id)s and d.id = any(%(ids)s::uuid[])

-- name: list_disputes
-- Of one payment, or of all. The ids of disputes do not sort by time, so pages follow time and id.
select
    d.id, d.payment_id, d.provider_account_id, d.provider_reference, d.status, d.amount, p.currency,
    d.withdrawn, d.reinstated, d.shortfall, d.created_at, d.updated_at
from dispute d
join payment p on p.merchant_id = d.merchant_id and p.id = d.payment_id
where d.merchant_id = %(merchant_id)s
    and (%(payment_id)s::uuid is null or d.payment_id = %(payment_id)s)
    and (%(status)s::text is null or d.status = %(status)s)
    and (%(before)s::uuid is null or (d.created_at, d.id) < (
        select b.created_at, b.id from dispute b where b.merchant_id = %(merchant_id)s and b.id = %(before)s
    ))
order by d.created_at desc, d.id desc
limit %(limit)s
