-- name: check_payments_match_effects
-- The captured, returned and refunded amounts of a payment equal the sums of its effects.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select
        p.id,
        p.captured <> coalesce(sum(e.amount) filter (where e.kind = 'captured'), 0)
            or p.returned <> coalesce(sum(e.amount) filter (where e.kind = 'capture_returned'), 0)
            or p.refunded <> coalesce(sum(e.amount) filter (where e.kind = 'refunded'), 0)
                - coalesce(sum(e.amount) filter (where e.kind = 'refund_reversed'), 0)
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
            when p.status in ('failed', 'requires_payment_method')
                then not coalesce(bool_and(o.outcome in ('declined', 'failed')), false)
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
-- The status of a refund fits its operation and its hold. A refund at the provider has neither. A refund that
-- failed after it succeeded keeps its successful operation.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select
        r.id,
        case
            when r.origin = 'provider' then o.id is not null or h.id is not null
            when r.status = 'succeeded' then
                o.outcome is distinct from 'succeeded' or h.captured is distinct from r.amount
            when r.status = 'failed' then not coalesce(
                case o.outcome when 'succeeded' then h.captured = r.amount else h.state = 'released' end
                    and o.outcome in ('declined', 'failed', 'succeeded'), false)
            else o.outcome not in ('pending', 'unknown') or h.remaining is distinct from r.amount
        end or o.capture_reference <> r.capture_reference as bad
    from refund r
    left join operation o on o.merchant_id = r.merchant_id and o.refund_id = r.id
    left join hold h on h.merchant_id = r.merchant_id and h.id = r.hold_id
) as refunds

-- name: check_payments_match_disputes
-- The amount of a payment that disputes block equals the sum of its disputes that are open or lost.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select
        p.id, p.in_dispute <> coalesce(sum(d.amount) filter (
            where d.status in ('needs_response', 'under_review', 'lost')
        ), 0) as bad
    from payment p
    left join dispute d on d.merchant_id = p.merchant_id and d.payment_id = p.id
    group by p.merchant_id, p.id
) as payments

-- name: check_debts_match_postings
-- The debt of a payment equals the entries on receivables of its effects and of its disputes' movements.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select p.id, p.owed <> coalesce(d.owed, 0) as bad
    from payment p
    left join (
        select s.merchant_id, s.payment_id, -sum(n.amount) as owed
        from account a
        join ledger_entry n on n.merchant_id = a.merchant_id and n.account_number = a.number
        join (
            select merchant_id, payment_id, transaction_id from applied_effect
            union all
            select merchant_id, payment_id, transaction_id from movement_attribution where place = 'beneficiary'
        ) as s on s.merchant_id = n.merchant_id and s.transaction_id = n.transaction_id
        where a.is_engine and a.code like 'receivable:%'
        group by s.merchant_id, s.payment_id
    ) as d on d.merchant_id = p.merchant_id and d.payment_id = p.id
) as debts

-- name: check_receivables_match_debts
-- The balance of each receivable account is the sum of the debts of payments in its currency.
select count(*) as examined, count(*) filter (where bad) as wrong, min(code) filter (where bad) as first
from (
    select a.code, b.posted <> -coalesce(p.owed, 0) as bad
    from account a
    join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
    left join (
        select merchant_id, currency, sum(owed) as owed from payment group by merchant_id, currency
    ) as p on p.merchant_id = a.merchant_id and p.currency = a.currency
    where a.is_engine and a.code like 'receivable:%'
) as accounts

-- name: check_payments_match_record
-- A payment has the amount, currency, beneficiary, capture method and kind of payment method of its audit record.
-- Its provider account, status, failure code and authorization appear in its records, and its route begins the
-- recorded one: another payment method drops the legs after the current one.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.object, typeid('pay', p.id)) as id, not coalesce(
        (r.created ->> 'amount')::bigint = p.amount and r.created ->> 'currency' = p.currency
            and a.currency = p.currency and r.created ->> 'beneficiary' = typeid('acct', p.beneficiary_id)
            and r.created ->> 'capture_method' = p.capture_method
            and r.created ->> 'payment_method_kind' is not distinct from p.payment_method_kind
            and case
                when p.route is null then r.created ->> 'route' = r.created ->> 'provider_account'
                else p.route -> 'legs' -> (p.route ->> 'at')::integer ->> 0 = p.provider_account_id::text
                    and starts_with(r.created ->> 'route', (
                        select string_agg(typeid('pac', (leg ->> 0)::uuid), ' ' order by place)
                        from jsonb_array_elements(p.route -> 'legs') with ordinality as l (leg, place)
                    ))
            end
            and typeid('pac', p.provider_account_id) = any(r.provider_accounts) and p.status = any(r.statuses)
            and (p.failure_code is null or p.failure_code = any(r.failure_codes))
            and (p.decline_code is null or p.decline_code = any(r.decline_codes))
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
            array_agg(distinct data ->> 'decline_code') as decline_codes,
            array_agg(distinct data ->> 'authorization') as authorizations
        from recorded_change
        where object like 'pay\_%'
        group by merchant_id, object_id
    ) as r on r.merchant_id = p.merchant_id and r.object_id = p.id
) as payments

-- name: check_personal_data_matches_record
-- The digest in the audit record of a payment is that of its personal data, with its salt. Each text stands with its
-- length in bytes, as ``personal_digest`` writes it.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select typeid('pay', p.id) as id, r.digest is distinct from encode(sha256(uuid_send(p.salt) || convert_to(
        (
            select string_agg(coalesce(octet_length(value) || ':' || value, '-') || ';', '' order by place)
            from unnest(array[
                p.reference, p.customer_reference, p.customer_email, p.description, p.return_url
            ]) with ordinality as t (value, place)
        ) || coalesce((
            select string_agg(
                octet_length(key) || ':' || key || ';' || octet_length(value) || ':' || value || ';',
                '' order by key collate "C"
            )
            from jsonb_each_text(p.metadata)
        ), ''),
        'UTF8'
    )), 'hex') as bad
    from payment p
    left join (
        select merchant_id, object_id, min(data ->> 'personal_digest') as digest
        from recorded_change
        where action = 'payment.created'
        group by merchant_id, object_id
    ) as r on r.merchant_id = p.merchant_id and r.object_id = p.id
) as payments

-- name: check_effects_match_record
-- Each effect has one audit record with its amount, and each such record has its effect. So has each movement that
-- a beneficiary bears.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
from (
    select
        coalesce(e.reference, r.data ->> 'effect') as reference,
        not coalesce((r.data ->> 'amount')::bigint = e.amount and r.data ->> 'currency' = e.currency, false) as bad
    from (
        select merchant_id, payment_id, 'payment.' || kind as action, reference, amount, currency
        from applied_effect
        union all
        select
            p.merchant_id, p.payment_id,
            case when p.borne < 0 then 'payment.dispute_withdrawn' else 'payment.dispute_reinstated' end,
            p.movement_key, abs(p.borne), y.currency
        from movement_attribution p
        join payment y on y.merchant_id = p.merchant_id and y.id = p.payment_id
        where p.place = 'beneficiary' and p.borne <> 0
    ) as e
    full join (
        select * from recorded_change
        where action in (
            'payment.captured', 'payment.refunded', 'payment.refund_reversed', 'payment.capture_returned',
            'payment.dispute_withdrawn', 'payment.dispute_reinstated'
        )
    ) as r on r.merchant_id = e.merchant_id and r.object_id = e.payment_id and r.action = e.action
        and r.data ->> 'effect' = e.reference
) as effects

-- name: check_operations_match_record
-- Each operation has an audit record with the same kind, amount, provider account and references. A decline that
-- ends a payment begins the cancellation at its provider.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.data ->> 'operation', typeid('op', o.id)) as id, not coalesce(
        o.payment_id = r.object_id
            and r.action = case
                when r.action = 'payment.fell_back' and o.kind = 'authorize' then r.action
                when r.action = 'payment.declined' and o.kind = 'cancel' then r.action
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
-- A refund has the payment and the amount of its audit records, and ended as they say. One that was made at the
-- provider has no request on record.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.refund, typeid('ref', f.id)) as id, not coalesce(
        r.payment_id = f.payment_id and r.amount = f.amount and r.is_requested = (f.origin = 'request')
            and f.status = case
                when r.has_failed then 'failed' when r.has_succeeded then 'succeeded' else 'pending'
            end and (f.failure_code is null or f.failure_code = any(r.failure_codes)), false
    ) as bad
    from refund f
    full join (
        select
            merchant_id,
            data ->> 'refund' as refund,
            (array_agg(object_id))[1] as payment_id,
            max((data ->> 'amount')::bigint) as amount,
            bool_or(action = 'payment.refund_requested') as is_requested,
            bool_or(action in ('payment.refund_failed', 'payment.refund_reversed')) as has_failed,
            bool_or(action = 'payment.refunded') as has_succeeded,
            array_agg(data ->> 'failure_code') as failure_codes
        from recorded_change
        where action in (
            'payment.refund_requested', 'payment.refunded', 'payment.refund_failed', 'payment.refund_reversed'
        ) and data ? 'refund'
        group by merchant_id, data ->> 'refund'
    ) as r on r.merchant_id = f.merchant_id and r.refund = typeid('ref', f.id)
) as refunds

-- name: check_disputes_match_record
-- The amount, the capture, the account and the status of a dispute appear in its audit records.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
from (
    select
        coalesce(d.provider_reference, r.reference) as reference,
        not coalesce(d.amount = any(r.amounts) and d.status = any(r.statuses), false) as bad
    from dispute d
    full join (
        select
            merchant_id, object_id, data ->> 'dispute' as reference, data ->> 'capture' as capture,
            data ->> 'provider_account' as provider_account,
            array_agg((data ->> 'amount')::bigint) as amounts, array_agg(data ->> 'dispute_status') as statuses
        from recorded_change
        where data ? 'dispute_status'
        group by merchant_id, object_id, data ->> 'dispute', data ->> 'capture', data ->> 'provider_account'
    ) as r on r.merchant_id = d.merchant_id and r.object_id = d.payment_id
        and r.reference = d.provider_reference and r.capture = d.capture_reference
        and r.provider_account = typeid('pac', d.provider_account_id)
) as disputes

-- name: check_open_items_match_reports
-- Each open item holds what effects told and movements booked of its object. An object without an item has nothing
-- open. An item that was made after a fact and its movement had cancelled out lacks both, so only the difference of
-- its sums counts. If the provider has exchanged the object, both sums count.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
from (
    select
        coalesce(i.reference, r.reference) as reference,
        coalesce(case
            when i.told <> 0 and i.booked <> 0 and i.told_currency <> i.booked_currency
                then i.told is distinct from r.told or i.booked is distinct from r.booked
            else coalesce(i.told + i.booked, 0) <> coalesce(r.told, 0) + coalesce(r.booked, 0)
                or r.told <> 0 and r.booked <> 0 and r.told_currency <> r.booked_currency
        end, false)
            or i.told <> 0 and i.told_currency is distinct from r.told_currency
            or i.booked <> 0 and i.booked_currency is distinct from r.booked_currency as bad
    from open_item i
    full join (
        select
            merchant_id, provider_account_id, reference, sum(told) as told, sum(booked) as booked,
            min(currency) filter (where told <> 0) as told_currency,
            min(currency) filter (where booked <> 0) as booked_currency
        from (
            select
                merchant_id, provider_account_id, reference, currency,
                case when kind in ('captured', 'refund_reversed') then -amount else amount end as told, 0 as booked
            from applied_effect
            union all
            select
                p.merchant_id, p.provider_account_id, p.reference, m.currency, 0, m.gross
            from movement_attribution p
            join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
                and m.key = p.movement_key
            left join payment y on y.merchant_id = p.merchant_id and y.id = p.payment_id
            where p.place = 'beneficiary' and y.currency <> m.currency
                or p.place = 'clearing' and not exists (
                    select from movement_attribution l
                    where l.merchant_id = p.merchant_id and l.provider_account_id = p.provider_account_id
                        and l.movement_key = p.movement_key and l.number > p.number
                )
            union all
            select p.merchant_id, p.provider_account_id, p.reference, y.currency, -p.borne, 0
            from movement_attribution p
            join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
                and m.key = p.movement_key
            join payment y on y.merchant_id = p.merchant_id and y.id = p.payment_id
            where p.place = 'beneficiary' and y.currency <> m.currency
        ) as reports
        group by merchant_id, provider_account_id, reference
    ) as r on r.merchant_id = i.merchant_id and r.provider_account_id = i.provider_account_id
        and r.reference = i.reference
) as items

-- name: check_effects_are_posted_once
-- Each effect has one transaction with its own reference. The beneficiary, and receivables for the part that it
-- lacked or repays, bear the amount. All other entries are on the engine's accounts: clearing, or those of the
-- movements that came with the effect.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
from (
    select
        e.reference,
        t.id is null
            or coalesce(sum(n.amount) filter (
                where a.id = p.beneficiary_id or a.is_engine and a.code like 'receivable:%'
            ), 0) <> e.credited
            or count(*) filter (where not coalesce(
                a.id = p.beneficiary_id
                    or a.is_engine and (e.kind <> 'captured' or a.code not like 'receivable:%'), false
            )) > 0
            or bool_or(a.id = p.beneficiary_id and a.currency is distinct from e.currency) as bad
    from (
        select
            *,
            case when kind in ('captured', 'refund_reversed') then amount else -amount end as credited,
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
    group by e.merchant_id, e.provider_account_id, e.kind, e.reference, e.credited, t.id
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
