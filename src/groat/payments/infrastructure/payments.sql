-- name: insert_payment
-- With its first operation, before the provider is called.
insert into payment (
    merchant_id, id, status, currency, amount, beneficiary_id, provider_account_id, payment_method,
    reference, metadata, created_at, updated_at
) values (
    %(merchant_id)s, %(id)s, %(status)s, %(currency)s, %(amount)s, %(beneficiary_id)s,
    %(provider_account_id)s, %(payment_method)s, %(reference)s, %(metadata)s, %(now)s, %(now)s
)

-- name: insert_operation
-- What is about to be asked of the provider. Its idempotency key derives from its id. If its outcome
-- is not learned by then, it is looked up when it is due.
insert into operation (
    merchant_id, id, payment_id, provider_account_id, kind, outcome, due_at, created_at, updated_at
) values (
    %(merchant_id)s, %(id)s, %(payment_id)s, %(provider_account_id)s, 'authorize', 'pending', %(due_at)s,
    %(now)s, %(now)s
)

-- name: mark_operation_unknown
-- Only while nobody else has learned the outcome.
update operation
set outcome = 'unknown', reason = %(reason)s, due_at = %(due_at)s, updated_at = %(now)s
where merchant_id = %(merchant_id)s and id = %(id)s and outcome = 'pending'
returning id

-- name: claim_operations
-- Takes open operations that are due away from other workers until the lease ends.
update operation
set lookups = lookups + 1, due_at = %(lease_until)s
where (merchant_id, id) in (
    select merchant_id, id
    from operation
    where outcome in ('pending', 'unknown') and due_at <= %(now)s
    order by due_at
    limit %(limit)s
    for update skip locked
)
returning merchant_id, id, payment_id, provider_account_id, outcome, reason, lookups, due_at, created_at

-- name: put_off_operation
-- Until the next look-up, unless its outcome was learned meanwhile, or another worker has it.
update operation
set due_at = %(due_at)s, reason = %(reason)s
where merchant_id = %(merchant_id)s and id = %(id)s and lookups = %(lookups)s
    and outcome in ('pending', 'unknown')

-- name: list_open_operations
-- Of any merchant, the oldest first: what is under way for the first time is nothing to look at yet.
select merchant_id, id, payment_id, provider_account_id, outcome, reason, lookups, due_at, created_at
from operation
where outcome = 'unknown' or (outcome = 'pending' and lookups > 0)
order by created_at
limit %(limit)s

-- name: lock_payments
-- In one order everywhere, payments before balances.
select
    id, amount, currency, beneficiary_id, provider_account_id, payment_method, reference, metadata,
    status, captured, failure_code, created_at, updated_at
from payment
where merchant_id = %(merchant_id)s and id = any(%(ids)s::uuid[])
order by id
for no key update

-- name: find_effects
-- A statement of its own, after the lock: effects are written only under the payment's lock.
select provider_account_id, kind, reference, payment_id
from applied_effect
where merchant_id = %(merchant_id)s
    and (provider_account_id, kind, reference) in (
        select * from unnest(%(provider_account_ids)s::uuid[], %(kinds)s::text[], %(references)s::text[])
    )

-- name: update_payments
-- What facts have made of them.
update payment p
set status = n.status, captured = n.captured, failure_code = n.failure_code,
    updated_at = %(now)s
from unnest(
    %(ids)s::uuid[], %(statuses)s::text[], %(captured)s::bigint[], %(failure_codes)s::text[]
) as n (id, status, captured, failure_code)
where p.merchant_id = %(merchant_id)s and p.id = n.id

-- name: settle_operations
-- An outcome is learned once; a later fact does not rewrite it.
update operation o
set outcome = n.outcome, provider_reference = n.provider_reference, updated_at = %(now)s
from unnest(%(payment_ids)s::uuid[], %(outcomes)s::text[], %(provider_references)s::text[])
    as n (payment_id, outcome, provider_reference)
where o.merchant_id = %(merchant_id)s and o.payment_id = n.payment_id
    and o.outcome in ('pending', 'unknown')

-- name: insert_effects
-- The constraint is the second wall: an effect that is there already fails the whole batch.
insert into applied_effect (
    merchant_id, provider_account_id, kind, reference, payment_id, transaction_id, amount, applied_at
)
select %(merchant_id)s::bigint, provider_account_id, kind, reference, payment_id, transaction_id, amount, %(now)s
from unnest(
    %(provider_account_ids)s::uuid[], %(kinds)s::text[], %(references)s::text[],
    %(payment_ids)s::uuid[], %(transaction_ids)s::uuid[], %(amounts)s::bigint[]
) as e (provider_account_id, kind, reference, payment_id, transaction_id, amount)

-- name: get_payment
-- One payment.
select
    id, amount, currency, beneficiary_id, provider_account_id, payment_method, reference, metadata,
    status, captured, failure_code, created_at, updated_at
from payment
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: list_payments
-- Newest first, by the time-ordered id.
select
    id, amount, currency, beneficiary_id, provider_account_id, payment_method, reference, metadata,
    status, captured, failure_code, created_at, updated_at
from payment
where merchant_id = %(merchant_id)s and (%(before)s::uuid is null or id < %(before)s)
order by id desc
limit %(limit)s

-- name: count_by_status
-- For the summary of a demonstration.
select status, count(*) from payment where merchant_id = %(merchant_id)s group by status

-- name: list_effects
-- What was applied, as (payment, amount, currency), to be held against a provider's own books.
select e.provider_account_id, e.reference, e.payment_id, e.amount, p.currency
from applied_effect e
join payment p on p.merchant_id = e.merchant_id and p.id = e.payment_id
where e.merchant_id = %(merchant_id)s

-- name: check_payments_match_effects
-- What a payment says it captured, against the effects that were applied to it.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select
        p.id,
        p.captured <> coalesce(sum(e.amount), 0)
            or bool_or(e.provider_account_id <> p.provider_account_id) as bad
    from payment p
    left join applied_effect e on e.merchant_id = p.merchant_id and e.payment_id = p.id
    group by p.merchant_id, p.id
) as payments

-- name: check_payments_match_operations
-- A payment stands where its operations have left it.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select
        p.id,
        case p.status
            when 'succeeded' then not coalesce(bool_or(o.outcome = 'succeeded'), false)
            when 'failed' then not coalesce(bool_and(o.outcome in ('declined', 'failed')), false)
            else not coalesce(bool_or(o.outcome in ('pending', 'unknown')), false)
        end as bad
    from payment p
    left join operation o on o.merchant_id = p.merchant_id and o.payment_id = p.id
    group by p.merchant_id, p.id, p.status
) as payments

-- name: check_payments_match_record
-- A payment is what the record says was asked for, and the record tells of each of its effects.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select
        p.id,
        r.created is null
            or (r.created ->> 'amount')::bigint <> p.amount
            or r.created ->> 'currency' <> p.currency
            or a.currency is distinct from p.currency
            or r.captures <> coalesce(e.effects, 0) as bad
    from payment p
    left join account a on a.merchant_id = p.merchant_id and a.id = p.beneficiary_id
    left join (
        select merchant_id, payment_id, count(*) as effects
        from applied_effect
        group by merchant_id, payment_id
    ) as e on e.merchant_id = p.merchant_id and e.payment_id = p.id
    left join (
        select
            merchant_id,
            object_id,
            (array_agg(body -> 'data') filter (where body ->> 'action' = 'payment.created'))[1] as created,
            count(*) filter (where body ->> 'action' = 'payment.captured') as captures
        from (
            select merchant_id, object_id, case -- what was altered may not even be JSON
                when leaf_hash = sha256('\x00'::bytea || body) then convert_from(body, 'UTF8')::jsonb
            end as body
            from audit_record
        ) as records
        group by merchant_id, object_id
    ) as r on r.merchant_id = p.merchant_id and r.object_id = p.id
) as payments

-- name: check_effects_are_posted_once
-- Each effect has one transaction, of its own reference, with two entries: the beneficiary's credit
-- and a debit of one of our own accounts.
select count(*), count(*) filter (where bad), min(reference) filter (where bad)
from (
    select
        e.reference,
        t.id is null
            or count(n.amount) <> 2
            or count(*) filter (where a.id = p.beneficiary_id and n.amount = e.amount) <> 1
            or count(*) filter (where a.normal_side = 'debit' and n.amount = -e.amount) <> 1 as bad
    from applied_effect e
    left join payment p on p.merchant_id = e.merchant_id and p.id = e.payment_id
    left join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
        and t.kind::text = 'payment.' || e.kind
        and t.reference = e.kind || ':' || e.provider_account_id || ':' || e.reference
    left join ledger_entry n on n.merchant_id = t.merchant_id and n.transaction_id = t.id
    left join account a on a.merchant_id = n.merchant_id and a.number = n.account_number
    group by e.merchant_id, e.provider_account_id, e.kind, e.reference, t.id
) as effects

-- name: check_postings_have_effects
-- No payment has moved money but by an effect.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select t.id, e.transaction_id is null as bad
    from ledger_transaction t
    left join applied_effect e on e.merchant_id = t.merchant_id and e.transaction_id = t.id
    where left(t.kind::text, 8) = 'payment.'
) as postings

-- name: check_idempotency_keys_have_objects
-- What a key was used for is there.
select count(*), count(*) filter (where bad), min(key) filter (where bad)
from (
    select k.key, p.id is null as bad
    from idempotency_key k
    left join payment p on p.merchant_id = k.merchant_id and p.id = k.object_id
) as keys
