-- name: insert_operation
-- What is about to be asked of the provider. Its idempotency key derives from its id. If its outcome
-- is not learned by then, it is looked up when it is due. When that is is for PostgreSQL's clock to say,
-- here and below: those of the hosts differ, and are set back.
insert into operation (
    merchant_id, id, payment_id, provider_account_id, kind, amount, final, refund_id, capture_reference,
    outcome, due_at, created_at, updated_at
) values (
    %(merchant_id)s, %(id)s, %(payment_id)s, %(provider_account_id)s, %(kind)s, %(amount)s, %(final)s,
    %(refund_id)s, %(capture_reference)s, 'pending', now() + %(due_in)s::interval, now(), now()
)

-- name: find_open_operations
-- Under the lock of their payments, and locked themselves: a worker that claims one of them meanwhile
-- would ask for it, while its outcome is being decided here.
select id, payment_id, kind, outcome, failure_code, amount, final, refund_id, capture_reference
from operation
where merchant_id = %(merchant_id)s and payment_id = any(%(payment_ids)s::uuid[])
    and outcome in ('pending', 'unknown')
order by id
for no key update

-- name: list_operations
-- Of a payment, in the order in which they were begun.
select id, payment_id, kind, outcome, failure_code, amount, final, refund_id, capture_reference
from operation
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
order by created_at, id

-- name: get_operation
-- One that an operator names.
select id, payment_id, kind, outcome, failure_code, amount, final, refund_id, capture_reference
from operation
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: settle_operations
-- An outcome is learned once; a later fact does not rewrite it.
update operation o
set outcome = n.outcome, failure_code = n.failure_code, updated_at = now()
from unnest(%(ids)s::uuid[], %(outcomes)s::text[], %(failure_codes)s::text[])
    as n (id, outcome, failure_code)
where o.merchant_id = %(merchant_id)s and o.id = n.id and o.outcome in ('pending', 'unknown')

-- name: mark_operation_unknown
-- Only while nobody else has learned the outcome, and the first time.
update operation
set outcome = 'unknown', reason = %(reason)s, due_at = now() + %(due_in)s::interval, updated_at = now()
where merchant_id = %(merchant_id)s and id = %(id)s
    and (outcome = 'pending' or (outcome = 'unknown' and reason is null))
returning id

-- name: resume_operations
-- What they waited for has happened: any worker may go on with them.
update operation
set due_at = now(), lookups = 0
where merchant_id = %(merchant_id)s and id = any(%(ids)s::uuid[]) and outcome in ('pending', 'unknown')

-- name: claim_operations
-- Takes open operations that are due away from other workers until the lease ends. From then on its
-- outcome is unknown, since whoever began it may ask for it as well; but not that of one which nobody
-- was to ask for before a worker does, and which was due as soon as it was begun. Materialized: as a
-- sub-select, a nested loop would run it again for each row, and its limit would not hold.
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
    o.id, o.payment_id, o.kind, o.outcome, o.failure_code, o.amount, o.final, o.refund_id,
    o.capture_reference, o.merchant_id, o.provider_account_id, o.reason, o.lookups, o.due_at, o.created_at,
    now() - o.created_at

-- name: claim_operations_of_payment
-- Those of unknown outcome, whenever they are due: their caller wants to know now. It does not count as
-- one of the look-ups that come ever more rarely. The last column is when it was due before.
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
    o.id, o.payment_id, o.kind, o.outcome, o.failure_code, o.amount, o.final, o.refund_id,
    o.capture_reference, o.merchant_id, o.provider_account_id, o.reason, o.lookups, o.due_at,
    o.created_at, now() - o.created_at, w.due_at

-- name: put_off_operation
-- Until the next look-up, unless its outcome was learned meanwhile, or another worker has it: the end of
-- the lease tells whose it is. One that was looked up before it was due is not put off further for that.
update operation
set reason = %(reason)s,
    due_at = case
        when %(was_due)s::timestamptz > now() then least(%(was_due)s::timestamptz, now() + %(due_in)s::interval)
        else now() + %(due_in)s::interval
    end
where merchant_id = %(merchant_id)s and id = %(id)s and due_at = %(leased_until)s
    and outcome in ('pending', 'unknown')

-- name: list_open_operations
-- Of any merchant, the oldest first: what is under way for the first time is nothing to look at yet,
-- nor what waits for a customer.
select
    o.id, o.payment_id, o.kind, o.outcome, o.failure_code, o.amount, o.final, o.refund_id,
    o.capture_reference, o.merchant_id, o.provider_account_id, o.reason, o.lookups, o.due_at, o.created_at,
    now() - o.created_at
from operation o
join payment p on p.merchant_id = o.merchant_id and p.id = o.payment_id
where o.outcome = 'unknown' and not (o.kind = 'authorize' and p.status = 'requires_action')
order by o.created_at
limit %(limit)s
