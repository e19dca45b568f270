-- name: insert_refund
-- Before the provider is called.
insert into refund (
    merchant_id, id, payment_id, status, amount, capture_reference, hold_id, reason, metadata,
    created_at, updated_at
) values (
    %(merchant_id)s, %(id)s, %(payment_id)s, %(status)s, %(amount)s, %(capture_reference)s,
    %(hold_id)s, %(reason)s, %(metadata)s, %(now)s, %(now)s
)

-- name: find_refunds
-- Without a lock of their own: refunds change only under their payment's lock.
select
    r.id, r.payment_id, r.status, r.failure_code, r.amount, p.currency, r.capture_reference, r.hold_id,
    r.reason, r.metadata, r.created_at, r.updated_at
from refund r
join payment p on p.merchant_id = r.merchant_id and p.id = r.payment_id
where r.merchant_id = %(merchant_id)s and r.id = any(%(ids)s::uuid[])

-- name: list_refunds
-- Of one payment, or of all, newest first.
select
    r.id, r.payment_id, r.status, r.failure_code, r.amount, p.currency, r.capture_reference, r.hold_id,
    r.reason, r.metadata, r.created_at, r.updated_at
from refund r
join payment p on p.merchant_id = r.merchant_id and p.id = r.payment_id
where r.merchant_id = %(merchant_id)s
    and (%(payment_id)s::uuid is null or r.payment_id = %(payment_id)s)
    and (%(status)s::text is null or r.status = %(status)s)
    and (%(before)s::uuid is null or r.id < %(before)s)
order by r.id desc
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
