-- name: check_transactions_sum_to_zero
-- Check that the entries of every transaction sum to zero in each currency. A transaction without
-- entries fails.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select t.id, a.currency, sum(e.amount) is distinct from 0 as bad
    from ledger_transaction t
    left join ledger_entry e on e.merchant_id = t.merchant_id and e.transaction_id = t.id
    left join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
    group by t.merchant_id, t.id, a.currency
) as sums

-- name: check_currencies_sum_to_zero
-- Check that all entries of each currency sum to zero.
select count(*) as examined, count(*) filter (where bad) as wrong, min(currency) filter (where bad) as first
from (
    select a.currency, sum(e.amount) <> 0 as bad
    from ledger_entry e
    join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
    group by a.currency
) as sums

-- name: check_balances_match_entries
-- Compare every cached balance, version and time with the entries of its account.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select
        b.account_id as id,
        b.posted <> coalesce(sum(e.amount), 0)
            or b.version <> count(e.*)
            or b.recorded_at <> coalesce(max(e.recorded_at), b.recorded_at) as bad
    from balance b
    join account a on a.merchant_id = b.merchant_id and a.id = b.account_id
    left join ledger_entry e on e.merchant_id = a.merchant_id and e.account_number = a.number
    group by b.merchant_id, b.account_id
) as balances

-- name: check_entries_follow_each_other
-- Check that each entry's balance_after is the running sum. An entry missing in the middle shows at the
-- next entry; an entry missing at the end shows in check_balances_match_entries.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select
        'number ' || account_number || ' at ' || recorded_at as id,
        balance_after <> sum(amount) over entries as bad
    from ledger_entry
    window entries as (partition by merchant_id, account_number order by recorded_at)
) as placed

-- name: check_entries_have_parents
-- Check that every entry has its transaction, with the same time, and its account. The table has no
-- foreign keys, which would slow down posting.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select
        'number ' || e.account_number || ' at ' || e.recorded_at as id,
        t.recorded_at is distinct from e.recorded_at or a.id is null as bad
    from ledger_entry e
    left join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
    left join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
) as entries

-- name: check_held_matches_holds
-- Check that an account's held amount is the sum of the amounts that its holds still reserve.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select b.account_id as id, b.held <> coalesce(sum(h.remaining), 0) as bad
    from balance b
    left join hold h on h.merchant_id = b.merchant_id and h.account_id = b.account_id
    group by b.merchant_id, b.account_id
) as balances

-- name: check_transactions_match_record
-- Compare the transactions of each batch with the digest in its audit record. A transaction cannot be
-- altered, added or removed unnoticed unless the record is altered too. The digest covers the lines, in
-- which times count from the first transaction, and then the time of the first transaction.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select
        coalesce(b.batch_id, r.batch_id) as id,
        b.digest is distinct from r.digest as bad
    from (
        select
            merchant_id,
            batch_id,
            encode(sha256(convert_to(concat_ws(
                ' ',
                encode(sha256(convert_to(string_agg(line, e'\n' order by line collate "C"), 'UTF8')), 'hex'),
                (extract(epoch from min(recorded_at)) * 1000000)::bigint
            ), 'UTF8')), 'hex') as digest
        from (
            select
                t.merchant_id,
                t.batch_id,
                t.recorded_at,
                concat_ws(
                    ' ',
                    replace(t.id::text, '-', ''),
                    (extract(epoch from t.recorded_at - min(t.recorded_at) over batch) * 1000000)::bigint,
                    coalesce((extract(epoch from t.effective_at) * 1000000)::bigint::text, ''),
                    string_agg(replace(a.id::text, '-', '') || '=' || e.amount, ' ' order by a.id),
                    t.kind,
                    t.reference,
                    coalesce(t.subject, '')
                ) as line
            from ledger_transaction t
            left join ledger_entry e on e.merchant_id = t.merchant_id and e.transaction_id = t.id
            left join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
            group by t.merchant_id, t.id
            window batch as (partition by t.merchant_id, t.batch_id)
        ) as lines
        group by merchant_id, batch_id
    ) as b
    full join (
        select
            merchant_id,
            ('x' || left(replace(object_id::text, '-', ''), 16))::bit(64)::bigint as batch_id,
            data ->> 'digest' as digest
        from recorded_change
        where action = 'ledger.posted'
    ) as r on r.merchant_id = b.merchant_id and r.batch_id = b.batch_id
) as batches

-- name: check_accounts_match_record
-- Compare every account with the audit records of its opening and of its last change of status. The
-- engine's accounts are opened without a record. They have no floor and are never frozen or closed.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(a.code, b.account_id::text, r.object) as id, not coalesce(
        case
            when (b.number, b.currency, b.is_engine) is distinct from (a.number, a.currency, a.is_engine) then false
            when a.is_engine then r.object is null and b.floor is null and b.status = 'open' and a.normal_side = 'debit'
                and split_part(a.code, ':', 1) in (
                    'bank', 'clearing', 'conversion', 'fees', 'foreign', 'fx_gain_loss', 'in_transit', 'loan',
                    'opening', 'provider', 'receivable', 'reserve', 'suspense', 'tax'
                )
            else r.opened ->> 'code' = a.code and r.opened ->> 'currency' = a.currency
                and r.opened ->> 'normal_side' = a.normal_side
                and (r.opened ->> 'floor')::bigint is not distinct from b.floor
                and b.status = coalesce(r.status, 'open')
        end, false
    ) as bad
    from account a
    full join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
    full join (
        select
            merchant_id, object_id, min(object) as object,
            (array_agg(data) filter (where action = 'account.created'))[1] as opened,
            (array_agg(data ->> 'status' order by id desc) filter (where action = 'account.updated'))[1] as status
        from recorded_change
        where action in ('account.created', 'account.updated')
        group by merchant_id, object_id
    ) as r on r.merchant_id = a.merchant_id and r.object_id = a.id
) as accounts

-- name: check_holds_match_record
-- Compare every hold with its last audit record: account, amounts, state, reference and expiry. A closed
-- hold stays closed and a remainder never grows. So the last record is one of a closed state, or else
-- the one with the smallest remainder.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.object, typeid('hold', h.id)) as id, not coalesce(
        r.last ->> 'account' = typeid('acct', h.account_id) and (r.last ->> 'amount')::bigint = h.amount
            and (r.last ->> 'captured')::bigint = h.captured and (r.last ->> 'remaining')::bigint = h.remaining
            and r.last ->> 'state' = h.state and r.last ->> 'reference' = h.reference
            and (r.last ->> 'expires_at')::timestamptz is not distinct from h.expires_at, false
    ) as bad
    from hold h
    full join (
        select
            merchant_id, object_id, min(object) as object,
            (array_agg(data order by data ->> 'state' = 'open', (data ->> 'remaining')::bigint))[1] as last
        from recorded_change
        where action like 'hold.%'
        group by merchant_id, object_id
    ) as r on r.merchant_id = h.merchant_id and r.object_id = h.id
) as holds
