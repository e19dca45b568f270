-- name: insert_operation
-- Before the provider is called. The idempotency key derives from the id. If the operation is still open
-- when it is due, recovery looks it up. PostgreSQL's clock alone decides that, here and below: the clocks
-- of the hosts differ, and may be set back.
insert into operation (
    merchant_id, id, payment_id, provider_account_id, kind, amount, final, refund_id, capture_reference,
    outcome, due_at, created_at, updated_at
) values (
    %(merchant_id)s, %(id)s, %(payment_id)s, %(provider_account_id)s, %(kind)s, %(amount)s, %(final)s,
    %(refund_id)s, %(capture_reference)s, 'pending', now() + %(due_in)s::interval, now(), now()
)

-- name: find_open_operations
-- Under the lock of their payments, and with locks of their own. Otherwise a worker could claim one and
-- call the provider for it, while this transaction decides its outcome.
select id, payment_id, kind, outcome, failure_code, decline_code, provider_message, amount, final, refund_id,
    capture_reference
from operation
where merchant_id = %(merchant_id)s and payment_id = any(%(payment_ids)s::uuid[])
    and outcome in ('pending', 'unknown')
order by id
for no key update

-- name: list_awaited_operations
-- The open operations of a payment whose calls have no answer yet, and that no look-up has found open either.
select id, refund_id from operation
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
    and outcome in ('pending', 'unknown') and reason is null

-- name: list_operations
-- Of one payment, the oldest first.
select id, payment_id, kind, outcome, failure_code, decline_code, provider_message, amount, final, refund_id,
    capture_reference
from operation
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
order by created_at, id

-- name: list_operation_calls
-- Of one payment, the oldest first, with their times.
select id, payment_id, kind, outcome, failure_code, decline_code, provider_message, amount, final, refund_id,
    capture_reference, provider_account_id, reason, lookups, created_at, updated_at
from operation
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
order by created_at, id

-- name: get_operation
-- One by its id.
select id, payment_id, kind, outcome, failure_code, decline_code, provider_message, amount, final, refund_id,
    capture_reference
from operation
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: settle_operations
-- Only open operations: a settled outcome never changes.
update operation o
set outcome = n.outcome, failure_code = n.failure_code, decline_code = n.decline_code,
    provider_message = n.provider_message, updated_at = now()
from unnest(
    %(ids)s::uuid[], %(outcomes)s::text[], %(failure_codes)s::text[], %(decline_codes)s::text[],
    %(provider_messages)s::text[]
) as n (id, outcome, failure_code, decline_code, provider_message)
where o.merchant_id = %(merchant_id)s and o.id = n.id and o.outcome in ('pending', 'unknown')

-- name: mark_operation_unknown
-- Only if it is still open, and was not marked with a reason before.
update operation
set outcome = 'unknown', reason = %(reason)s, due_at = now() + %(due_in)s::interval, updated_at = now()
where merchant_id = %(merchant_id)s and id = %(id)s
    and (outcome = 'pending' or (outcome = 'unknown' and reason is null))
returning id

-- name: resume_operations
-- Their customer has approved, so they are due at once and any worker continues them.
update operation
set due_at = now(), lookups = 0
where merchant_id = %(merchant_id)s and id = any(%(ids)s::uuid[]) and outcome in ('pending', 'unknown')

-- name: claim_operations
-- Claims open operations that are due, until the lease ends. A claimed operation becomes unknown, since the
-- process that began it may still make the call. An operation that was due when it was written stays
-- pending: only a worker calls the provider for it. Materialized: as a sub-select, a nested loop could run
-- it again for each row, and its limit would not hold.
with due as materialized (
    select merchant_id, id
    from operation
    where outcome in ('pending', 'unknown') and due_at <= now()
    order by due_at
    limit %(limit)s
    for update skip locked
)
update operation o
set
    lookups = o.lookups + 1,
    due_at = now() + %(lease)s::interval,
    outcome = case when o.outcome = 'pending' and o.due_at <= o.created_at then 'pending' else 'unknown' end
from due
where o.merchant_id = due.merchant_id and o.id = due.id
returning
    o.id, o.payment_id, o.kind, o.outcome, o.failure_code, o.decline_code, o.provider_message, o.amount,
    o.final, o.refund_id, o.capture_reference, o.merchant_id, o.provider_account_id, o.reason, o.lookups, o.due_at, o.created_at,
    now() - o.created_at as age

-- name: claim_operations_of_payment
-- Unknown operations even if they are not due, since the caller wants the outcome now. This does not count
-- as a look-up, so it does not lengthen the delays. The last column is the time it was due before.
with wanted as materialized (
    select merchant_id, id, due_at
    from operation
    where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
        and outcome in ('pending', 'unknown') and (outcome = 'unknown' or due_at <= now())
    order by id
    for update skip locked
)
update operation o
set due_at = now() + %(lease)s::interval, outcome = 'unknown'
from wanted w
where o.merchant_id = w.merchant_id and o.id = w.id
returning
    o.id, o.payment_id, o.kind, o.outcome, o.failure_code, o.decline_code, o.provider_message, o.amount,
    o.final, o.refund_id, o.capture_reference, o.merchant_id, o.provider_account_id, o.reason, o.lookups, o.due_at,
    o.created_at, now() - o.created_at as age, w.due_at as was_due

-- name: put_off_operation
-- Until the next look-up, if it is still open and this worker still has the claim: the end of the lease
-- identifies the claim. An operation that was claimed before it was due is not delayed beyond that time.
update operation
set reason = %(reason)s,
    due_at = case
        when %(was_due)s::timestamptz > now() then least(%(was_due)s::timestamptz, now() + %(due_in)s::interval)
        else now() + %(due_in)s::interval
    end
where merchant_id = %(merchant_id)s and id = %(id)s and due_at = %(leased_until)s
    and outcome in ('pending', 'unknown')

-- name: list_open_operations
-- Unknown ones of all merchants, the oldest first; without first calls under way, and without payments
-- that wait for their customers.
select
    o.id, o.payment_id, o.kind, o.outcome, o.failure_code, o.decline_code, o.provider_message, o.amount,
    o.final, o.refund_id, o.capture_reference, o.merchant_id, o.provider_account_id, o.reason, o.lookups, o.due_at, o.created_at,
    now() - o.created_at as age
from operation o
join payment p on p.merchant_id = o.merchant_id and p.id = o.payment_id
where o.outcome = 'unknown' and not (o.kind = 'authorize' and p.status = 'requires_action')
order by o.created_at
limit %(limit)s
