-- name: upsert_disputes
-- Needs no lock of its own: disputes change only under their payment's lock.
insert into dispute as d (
    merchant_id, id, payment_id, provider_account_id, provider_reference, capture_reference, status, amount,
    created_at, updated_at
)
select
    %(merchant_id)s::bigint, id, payment_id, provider_account_id, provider_reference, capture_reference, status,
    amount, created_at, updated_at
from unnest(
    %(ids)s::uuid[], %(payment_ids)s::uuid[], %(provider_account_ids)s::uuid[],
    %(provider_references)s::text[], %(capture_references)s::text[], %(statuses)s::text[], %(amounts)s::bigint[],
    %(created)s::timestamptz[], %(updated)s::timestamptz[]
) as n (
    id, payment_id, provider_account_id, provider_reference, capture_reference, status, amount, created_at,
    updated_at
)
on conflict (merchant_id, id) do update
set status = excluded.status, updated_at = excluded.updated_at

-- name: find_disputes
-- For facts, under the lock of their payments; and for one dispute by its id.
select
    d.id, d.payment_id, d.provider_account_id, d.provider_reference, d.capture_reference, d.status, d.amount,
    p.currency, d.created_at, d.updated_at
from dispute d
join payment p on p.merchant_id = d.merchant_id and p.id = d.payment_id
where d.merchant_id = %(merchant_id)s and d.id = any(%(ids)s::uuid[])

-- name: list_disputes
-- Of one payment, or of all. The ids of disputes do not sort by time, so pages follow time and id.
select
    d.id, d.payment_id, d.provider_account_id, d.provider_reference, d.capture_reference, d.status, d.amount,
    p.currency, d.created_at, d.updated_at
from dispute d
join payment p on p.merchant_id = d.merchant_id and p.id = d.payment_id
where d.merchant_id = %(merchant_id)s
    and (%(payment_id)s::uuid is null or d.payment_id = %(payment_id)s)
    and (%(status)s::text is null or d.status = %(status)s)
    and (%(created_from)s::timestamptz is null or d.created_at >= %(created_from)s)
    and (%(created_before)s::timestamptz is null or d.created_at < %(created_before)s)
    and (%(amount_min)s::bigint is null or d.amount >= %(amount_min)s)
    and (%(amount_max)s::bigint is null or d.amount <= %(amount_max)s)
    and (%(currency)s::text is null or p.currency = %(currency)s)
    and (%(provider)s::text is null or d.provider_account_id in (
        select a.id from provider_account a where a.merchant_id = %(merchant_id)s and a.provider = %(provider)s
    ))
    and (%(provider_account_id)s::uuid is null or d.provider_account_id = %(provider_account_id)s)
    and (%(provider_reference)s::text is null or d.provider_reference = %(provider_reference)s)
    and (%(after)s::uuid is null or exists (
        select from dispute b
        where b.merchant_id = %(merchant_id)s and b.id = %(after)s and case
            when %(oldest_first)s::boolean then (d.created_at, d.id) > (b.created_at, b.id)
            else (d.created_at, d.id) < (b.created_at, b.id)
        end
    ))
order by
    case when %(oldest_first)s::boolean then d.created_at end, case when %(oldest_first)s::boolean then d.id end,
    d.created_at desc, d.id desc
limit %(limit)s

-- name: sum_disputes
-- The money of disputes, from the provider's movements. Stripe's movements name the dispute, PayPal's the capture.
select
    d.id, coalesce(-sum(p.borne) filter (where p.borne < 0), 0)::bigint as withdrawn,
    coalesce(sum(p.borne) filter (where p.borne > 0), 0)::bigint as reinstated,
    coalesce(sum(o.shortfall) filter (where p.borne < 0), 0)::bigint as shortfall,
    sum(m.fee + m.tax)::bigint as fee, min(m.currency) as fee_currency
from dispute d
join movement_attribution p on p.merchant_id = d.merchant_id and p.payment_id = d.payment_id
    and p.place = 'beneficiary' and p.provider_account_id = d.provider_account_id
    and p.reference in (d.provider_reference, d.capture_reference)
join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
    and m.key = p.movement_key
join payment y on y.merchant_id = d.merchant_id and y.id = d.payment_id
left join lateral (
    select -n.amount as shortfall
    from ledger_transaction t
    join account a on a.merchant_id = t.merchant_id and a.code = 'receivable:' || lower(y.currency)
    join ledger_entry n on n.merchant_id = t.merchant_id and n.account_number = a.number
        and n.recorded_at = t.recorded_at and n.transaction_id = t.id
    where t.merchant_id = p.merchant_id and t.id = p.transaction_id
) as o on true
where d.merchant_id = %(merchant_id)s and d.id = any(%(ids)s::uuid[])
group by d.id
