-- name: check_payments_match_effects
-- The captured, refunded and disputed amounts of a payment equal the sums of its effects.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
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
-- The status of a payment fits the outcomes of its authorizations.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
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
-- The refunded and pending amounts of a payment equal the sums of its refunds.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
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
-- The status of a refund fits its operation and its hold.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select
        r.id,
        case r.status
            when 'succeeded' then o.outcome is distinct from 'succeeded' or h.captured is distinct from r.amount
            when 'failed' then o.outcome not in ('declined', 'failed') or h.state is distinct from 'released'
            else o.outcome not in ('pending', 'unknown') or h.remaining is distinct from r.amount
        end or o.capture_reference is distinct from r.capture_reference as bad
    from refund r
    left join operation o on o.merchant_id = r.merchant_id and o.refund_id = r.id
    left join hold h on h.merchant_id = r.merchant_id and h.id = r.hold_id
) as refunds

-- name: check_payments_match_disputes
-- The disputed amount of a payment equals the sum of its disputes: withdrawn less reinstated.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select p.id, p.disputed <> coalesce(sum(d.withdrawn - d.reinstated), 0) as bad
    from payment p
    left join dispute d on d.merchant_id = p.merchant_id and d.payment_id = p.id
    group by p.merchant_id, p.id
) as payments

-- name: check_payments_match_record
-- A payment has the amount, currency, beneficiary and capture method of its audit record. Its provider
-- account, status, failure code and authorization appear in its records.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.object, typeid('pay', p.id)) as id, not coalesce(
        (r.created ->> 'amount')::bigint = p.amount and r.created ->> 'currency' = p.currency
            and a.currency = p.currency and r.created ->> 'beneficiary' = typeid('acct', p.beneficiary_id)
            and r.created ->> 'capture_method' = p.capture_method
            and typeid('pac', p.provider_account_id) = any(r.provider_accounts) and p.status = any(r.statuses)
            and (p.failure_code is null or p.failure_code = any(r.failure_codes))
            and (p.authorization_reference is null or p.authorization_reference = any(r.authorizations)), false
    ) as bad
    from payment p
    join account a on a.merchant_id = p.merchant_id and a.id = p.beneficiary_id
    full join (
        select
            merchant_id, object_id, min(object) as object,
            (array_agg(data) filter (where action = 'payment.created'))[1] as created,
            array_agg(distinct coalesce(data ->> 'next', data ->> 'provider_account')) as provider_accounts,
            array_agg(distinct data ->> 'status') as statuses,
            array_agg(distinct data ->> 'failure_code') as failure_codes,
            array_agg(distinct data ->> 'authorization') as authorizations
        from recorded_change
        where object like 'pay\_%'
        group by merchant_id, object_id
    ) as r on r.merchant_id = p.merchant_id and r.object_id = p.id
) as payments

-- name: check_effects_match_record
-- Each effect has one audit record with its amount, and each such record has its effect.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
from (
    select
        coalesce(e.reference, r.data ->> 'effect') as reference,
        not coalesce((r.data ->> 'amount')::bigint = e.amount and r.data ->> 'currency' = e.currency, false) as bad
    from applied_effect e
    full join (
        select * from recorded_change
        where action in (
            'payment.captured', 'payment.fee_charged', 'payment.refunded', 'payment.dispute_withdrawn',
            'payment.dispute_reinstated'
        )
    ) as r on r.merchant_id = e.merchant_id and r.object_id = e.payment_id
        and r.action = 'payment.' || case e.kind when 'fee' then 'fee_charged' else e.kind end
        and r.data ->> 'effect' = e.reference
) as effects

-- name: check_operations_match_record
-- Each operation has an audit record with the same kind, amount, provider account and references.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.data ->> 'operation', typeid('op', o.id)) as id, not coalesce(
        o.payment_id = r.object_id
            and r.action = case
                when r.action = 'payment.fell_back' and o.kind = 'authorize' then r.action
                else 'payment.' || o.kind || '_requested'
            end
            and (r.data ->> 'amount')::bigint = o.amount
            and coalesce(r.data ->> 'next', r.data ->> 'provider_account') = typeid('pac', o.provider_account_id)
            and coalesce((r.data ->> 'final')::boolean, true) = o.final
            and (r.data ->> 'capture') is not distinct from o.capture_reference
            and (r.data ->> 'refund') is not distinct from typeid('ref', o.refund_id), false
    ) as bad
    from operation o
    full join (
        select * from recorded_change where object like 'pay\_%' and data ? 'operation'
    ) as r on r.merchant_id = o.merchant_id and r.data ->> 'operation' = typeid('op', o.id)
) as operations

-- name: check_refunds_match_record
-- A refund has the payment and the amount of its audit record, and ended as the records say.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.refund, typeid('ref', f.id)) as id, not coalesce(
        r.payment_id = f.payment_id and r.amount = f.amount
            and r.ended is not distinct from nullif('payment.' || case f.status
                when 'succeeded' then 'refunded' when 'failed' then 'refund_failed' else '' end, 'payment.'), false
    ) as bad
    from refund f
    full join (
        select
            merchant_id,
            data ->> 'refund' as refund,
            (array_agg(object_id))[1] as payment_id,
            max((data ->> 'amount')::bigint) filter (where action = 'payment.refund_requested') as amount,
            max(action) filter (where action <> 'payment.refund_requested') as ended
        from recorded_change
        where action in ('payment.refund_requested', 'payment.refunded', 'payment.refund_failed')
            and data ? 'refund'
        group by merchant_id, data ->> 'refund'
    ) as r on r.merchant_id = f.merchant_id and r.refund = typeid('ref', f.id)
) as refunds

-- name: check_disputes_match_effects
-- The withdrawn and reinstated amounts of a dispute equal its effects, its shortfall equals its entry on the
-- receivable account, and its amount and status appear in its audit records.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
from (
    select d.provider_reference as reference, d.withdrawn <> coalesce(w.amount, 0)
        or d.reinstated <> coalesce(r.amount, 0) or d.shortfall <> coalesce(o.shortfall, 0)
        or not coalesce(d.amount = any(c.amounts) and d.status = any(c.statuses), false) as bad
    from dispute d
    left join (
        select
            merchant_id, object_id, coalesce(data ->> 'dispute', data ->> 'effect') as reference,
            array_agg((data ->> 'amount')::bigint) as amounts, array_agg(data ->> 'dispute_status') as statuses
        from recorded_change
        where action like 'payment.dispute\_%'
        group by merchant_id, object_id, coalesce(data ->> 'dispute', data ->> 'effect')
    ) as c on c.merchant_id = d.merchant_id and c.object_id = d.payment_id and c.reference = d.provider_reference
    left join applied_effect w on w.merchant_id = d.merchant_id and w.kind = 'dispute_withdrawn'
        and w.provider_account_id = d.provider_account_id and w.reference = d.provider_reference
    left join applied_effect r on r.merchant_id = d.merchant_id and r.kind = 'dispute_reinstated'
        and r.provider_account_id = d.provider_account_id and r.reference = d.provider_reference
    left join (
        select n.merchant_id, n.transaction_id, -sum(n.amount) as shortfall
        from ledger_entry n
        join account a on a.merchant_id = n.merchant_id and a.number = n.account_number
            and a.code like 'receivable:%'
        group by n.merchant_id, n.transaction_id
    ) as o on o.merchant_id = w.merchant_id and o.transaction_id = w.transaction_id
) as disputes

-- name: check_engine_accounts_match_effects
-- The balances of the engine's accounts equal the sums of effects: clearing the captures less the money
-- given back, fees the providers' fees, receivable the shortfalls of disputes less their repayment. What the
-- postings of movements (kind 32) changed is left out; the checks of movements cover it.
select count(*) as examined, count(*) filter (where bad) as wrong, min(code) filter (where bad) as first
from (
    select a.code, b.posted - coalesce(o.moved, 0) <> coalesce(case split_part(a.code, ':', 1)
        when 'receivable' then d.moved else e.moved
    end, 0) as bad
    from account a
    join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
    left join (
        select c.merchant_id, c.number, sum(case
            when split_part(c.code, ':', 1) = 'fees' or e.kind in ('captured', 'dispute_reinstated') then -e.amount
            else e.amount
        end) as moved
        from applied_effect e
        join ledger_entry n on n.merchant_id = e.merchant_id and n.transaction_id = e.transaction_id
        join account c on c.merchant_id = n.merchant_id and c.number = n.account_number
            and split_part(c.code, ':', 1) in ('clearing', 'fees')
        group by c.merchant_id, c.number
    ) as e on e.merchant_id = a.merchant_id and e.number = a.number
    left join (
        select d.merchant_id, p.currency, sum(least(d.shortfall, d.reinstated) - d.shortfall) as moved
        from dispute d
        join payment p on p.merchant_id = d.merchant_id and p.id = d.payment_id
        group by d.merchant_id, p.currency
    ) as d on d.merchant_id = a.merchant_id and d.currency = a.currency
    left join (
        select n.merchant_id, n.account_number, sum(n.amount) as moved
        from ledger_transaction t
        join ledger_entry n on n.merchant_id = t.merchant_id and n.transaction_id = t.id
        where t.kind = 32
        group by n.merchant_id, n.account_number
    ) as o on o.merchant_id = a.merchant_id and o.account_number = a.number
    where a.is_engine
) as accounts

-- name: check_effects_are_posted_once
-- Each effect has one transaction with its own reference. The transaction moves the amount on the clearing
-- account, and otherwise touches only the accounts that the kind of effect allows.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
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
            'groat:' || kind || ':' || typeid('pac', provider_account_id) || ':' || reference as named
        from applied_effect
    ) as e
    left join payment p on p.merchant_id = e.merchant_id and p.id = e.payment_id
    left join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
        and t.kind = (%(kinds)s::jsonb -> e.kind)::smallint
        and t.reference = case
            when length(e.named) <= 255 then e.named
            else left(e.named, 190) || ':' || encode(sha256(convert_to(e.named, 'UTF8')), 'hex')
        end
    left join ledger_entry n on n.merchant_id = t.merchant_id and n.transaction_id = t.id
    left join account a on a.merchant_id = n.merchant_id and a.number = n.account_number
    group by e.merchant_id, e.provider_account_id, e.kind, e.reference, e.taken, t.id
) as effects

-- name: check_postings_have_effects
-- Each ledger transaction whose kind is one of payments belongs to an effect.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select t.id, e.transaction_id is null as bad
    from ledger_transaction t
    left join applied_effect e on e.merchant_id = t.merchant_id and e.transaction_id = t.id
    where t.kind in (select value::smallint from jsonb_each(%(kinds)s::jsonb))
) as postings

-- name: check_idempotency_keys_match_record
-- Each idempotency key that is bound to an object has the audit record of its request, and each such record of
-- the last 30 days still has its key.
select count(*) as examined, count(*) filter (where bad) as wrong, min(name) filter (where bad) as first
from (
    select coalesce(k.key, r.object) as name, k.key is null or r.object is null as bad
    from (
        select
            merchant_id, key, typeid(left(object_kind, 3), object_id) as object,
            encode(sha256(convert_to(route || ' ' || key, 'UTF8') || request_hash), 'hex') as digest
        from idempotency_key
        where object_id is not null
    ) as k
    full join (
        select
            merchant_id, data ->> 'idempotency_key' as digest, recorded_at,
            case action when 'payment.refund_requested' then data ->> 'refund' else object end as object
        from recorded_change
        where data ? 'idempotency_key'
    ) as r on r.merchant_id = k.merchant_id and r.digest = k.digest and r.object = k.object
    where k.key is not null or r.recorded_at > now() - interval '30 days'
) as keys

-- name: check_routing_rules_match_record
-- Each version of the routing rules has an audit record with the same number of rules.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(v.version::text, r.data ->> 'version') as id, not coalesce(
        jsonb_array_length(v.rules -> 'rules') = (r.data ->> 'rules')::bigint, false
    ) as bad
    from routing_rules v
    full join (select * from recorded_change where action = 'routing_rules.replaced') as r
        on r.merchant_id = v.merchant_id and (r.data ->> 'version')::integer = v.version
) as versions
