-- name: check_payments_match_effects
-- What a payment says was captured, refunded and disputed, against the effects that were applied to it.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select
        p.id,
        p.captured <> coalesce(sum(e.amount) filter (where e.kind = 'captured'), 0)
            or p.refunded <> coalesce(sum(e.amount) filter (where e.kind = 'refunded'), 0)
            or p.disputed <> coalesce(sum(e.amount) filter (where e.kind = 'dispute_withdrawn'), 0)
                - coalesce(sum(e.amount) filter (where e.kind = 'dispute_reinstated'), 0)
            or coalesce(bool_or(e.provider_account_id <> p.provider_account_id), false) as bad
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
        case
            when p.status = 'created' then count(o.id) > 0
            when p.status in ('processing', 'requires_action')
                then not coalesce(bool_or(o.outcome in ('pending', 'unknown')), false)
            when p.status in ('authorized', 'succeeded')
                then not coalesce(bool_or(o.outcome = 'succeeded'), false)
            when p.status = 'failed' then not coalesce(bool_and(o.outcome in ('declined', 'failed')), false)
            else coalesce(bool_or(o.outcome in ('pending', 'unknown')), false)
        end as bad
    from payment p
    left join operation o on o.merchant_id = p.merchant_id and o.payment_id = p.id
        and o.kind = 'authorize'
    group by p.merchant_id, p.id, p.status
) as payments

-- name: check_payments_match_refunds
-- What a payment says was refunded and is being refunded, against its refunds.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select
        p.id,
        p.refunded <> coalesce(sum(r.amount) filter (where r.status = 'succeeded'), 0)
            or p.refund_pending <> coalesce(sum(r.amount) filter (where r.status = 'pending'), 0) as bad
    from payment p
    left join refund r on r.merchant_id = p.merchant_id and r.payment_id = p.id
    group by p.merchant_id, p.id
) as payments

-- name: check_refunds_match_operations
-- A refund stands where its operation and its hold have left it.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select
        r.id,
        case r.status
            when 'succeeded' then o.outcome is distinct from 'succeeded' or h.captured is distinct from r.amount
            when 'failed' then o.outcome not in ('declined', 'failed') or h.state is distinct from 'released'
            else o.outcome not in ('pending', 'unknown') or h.remaining is distinct from r.amount
        end as bad
    from refund r
    left join operation o on o.merchant_id = r.merchant_id and o.refund_id = r.id
    left join hold h on h.merchant_id = r.merchant_id and h.id = r.hold_id
) as refunds

-- name: check_payments_match_disputes
-- What a payment says was taken by disputes, against them.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select p.id, p.disputed <> coalesce(sum(d.withdrawn - d.reinstated), 0) as bad
    from payment p
    left join dispute d on d.merchant_id = p.merchant_id and d.payment_id = p.id
    group by p.merchant_id, p.id
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
            or r.effects <> coalesce(e.effects, 0) as bad
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
            count(*) filter (where body ->> 'action' in (
                'payment.captured', 'payment.fee_charged', 'payment.refunded', 'payment.dispute_withdrawn',
                'payment.dispute_reinstated'
            )) as effects
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
-- Each effect has one transaction, of its own reference, which moves its amount on the account of what
-- the provider holds for us, and otherwise only the accounts that its kind may.
select count(*), count(*) filter (where bad), min(reference) filter (where bad)
from (
    select
        e.reference,
        t.id is null
            or count(*) filter (where a.code like 'clearing:%' and n.amount = -e.taken) <> 1
            or count(*) filter (where not coalesce(case
                when a.code like 'clearing:%' then true
                when e.kind = 'fee' then a.code like 'fees:%'
                when e.kind in ('captured', 'refunded') then a.id = p.beneficiary_id
                else a.id = p.beneficiary_id or a.code like 'receivable:%'
            end, false)) > 0
            or coalesce(sum(n.amount) filter (where a.code not like 'clearing:%'), 0) <> e.taken
            or bool_or(a.currency is distinct from e.currency) as bad
    from (
        select
            *,
            case when kind in ('captured', 'dispute_reinstated') then amount else -amount end as taken,
            kind || ':' || provider_account_id || ':' || reference as named
        from applied_effect
    ) as e
    left join payment p on p.merchant_id = e.merchant_id and p.id = e.payment_id
    left join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
        and t.kind::text = 'payment.' || e.kind
        and t.reference = case
            when length(e.named) <= 255 then e.named
            else left(e.named, 190) || ':' || encode(sha256(convert_to(e.named, 'UTF8')), 'hex')
        end
    left join ledger_entry n on n.merchant_id = t.merchant_id and n.transaction_id = t.id
    left join account a on a.merchant_id = n.merchant_id and a.number = n.account_number
    group by e.merchant_id, e.provider_account_id, e.kind, e.reference, e.taken, t.id
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
    select k.key, p.id is null and r.id is null as bad
    from idempotency_key k
    left join payment p on p.merchant_id = k.merchant_id and p.id = k.object_id
    left join refund r on r.merchant_id = k.merchant_id and r.id = k.object_id
) as keys
