-- name: insert_refunds
-- Refunds before their provider is called, and refunds that were made at the provider.
insert into refund (
    merchant_id, id, payment_id, status, amount, capture_reference, origin, hold_id, reason, metadata,
    failure_code, created_at, updated_at
)
select
    %(merchant_id)s::bigint, id, payment_id, status, amount, capture_reference, origin, hold_id, reason,
    metadata::jsonb, failure_code, %(now)s::timestamptz, %(now)s::timestamptz
from unnest(
    %(ids)s::uuid[], %(payment_ids)s::uuid[], %(statuses)s::text[], %(amounts)s::bigint[],
    %(capture_references)s::text[], %(origins)s::text[], %(hold_ids)s::uuid[], %(reasons)s::text[],
    %(metadata)s::text[], %(failure_codes)s::text[]
) as n (
    id, payment_id, status, amount, capture_reference, origin, hold_id, reason, metadata, failure_code
)

-- name: find_refunds
-- Without a lock of their own: refunds change only under their payment's lock.
select
    r.id, r.payment_id, r.status, r.failure_code, r.amount, p.currency, r.capture_reference, r.hold_id,
    r.reason, r.metadata, r.created_at, r.updated_at, r.origin
from refund r
join payment p on p.merchant_id = r.merchant_id and p.id = r.payment_id
where r.merchant_id = %(merchant_id)s and r.id = any(%(ids)s::uuid[])

-- name: list_refunds
-- Of one payment, or of all. The ids of refunds at the provider do not sort by time, so pages follow time and id.
select
    r.id, r.payment_id, r.status, r.failure_code, r.amount, p.currency, r.capture_reference, r.hold_id,
    r.reason, r.metadata, r.created_at, r.updated_at, r.origin
from refund r
join payment p on p.merchant_id = r.merchant_id and p.id = r.payment_id
where r.merchant_id = %(merchant_id)s
    and (%(payment_id)s::uuid is null or r.payment_id = %(payment_id)s)
    and (%(status)s::text is null or r.status = %(status)s)
    and (%(created_from)s::timestamptz is null or r.created_at >= %(created_from)s)
    and (%(created_before)s::timestamptz is null or r.created_at < %(created_before)s)
    and (%(amount_min)s::bigint is null or r.amount >= %(amount_min)s)
    and (%(amount_max)s::bigint is null or r.amount <= %(amount_max)s)
    and (%(currency)s::text is null or p.currency = %(currency)s)
    and (%(provider)s::text is null or p.provider_account_id in (
        select a.id from provider_account a where a.merchant_id = %(merchant_id)s and a.provider = %(provider)s
    ))
    and (%(metadata_key)s::text is null or r.metadata ? %(metadata_key)s)
    and (%(metadata_value)s::text is null or r.metadata ->> %(metadata_key)s = %(metadata_value)s)
    and (%(after)s::uuid is null or exists (
        select from refund b
        where b.merchant_id = %(merchant_id)s and b.id = %(after)s and case
            when %(oldest_first)s::boolean then (r.created_at, r.id) > (b.created_at, b.id)
            else (r.created_at, r.id) < (b.created_at, b.id)
        end
    ))
order by
    case when %(oldest_first)s::boolean then r.created_at end, case when %(oldest_first)s::boolean then r.id end,
    r.created_at desc, r.id desc
limit %(limit)s

-- name: update_refunds
-- Writes the refunds that facts have changed.
update refund r
set status = n.status, failure_code = n.failure_code, updated_at = %(now)s
from unnest(%(ids)s::uuid[], %(statuses)s::text[], %(failure_codes)s::text[])
    as n (id, status, failure_code)
where r.merchant_id = %(merchant_id)s and r.id = n.id

-- name: list_refundable_captures
-- A refund must name a capture to the provider: the captures, each with its refundable rest.
select e.reference, e.amount - coalesce(sum(r.amount), 0)::bigint as remaining
from applied_effect e
left join refund r on r.merchant_id = e.merchant_id and r.payment_id = e.payment_id
    and r.capture_reference = e.reference and r.status <> 'failed'
where e.merchant_id = %(merchant_id)s and e.payment_id = %(payment_id)s and e.kind = 'captured'
group by e.reference, e.amount, e.applied_at
order by e.applied_at, e.reference
