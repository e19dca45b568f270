-- name: insert_accounts
-- Both rows of each account that is new; a code that is taken is left as it is.
with added as (
    insert into account (merchant_id, id, code, currency, normal_side, is_engine, metadata, created_at)
    select %(merchant_id)s::bigint, id, code, currency, normal_side, is_engine, metadata, %(now)s::timestamptz
    from unnest(
        %(ids)s::uuid[], %(codes)s::text[], %(currencies)s::text[], %(normal_sides)s::text[],
        %(are_engines)s::boolean[], %(metadata)s::jsonb[]
    ) as a (id, code, currency, normal_side, is_engine, metadata)
    order by code
    on conflict (merchant_id, code) do nothing
    returning merchant_id, id
)
insert into balance (merchant_id, account_id, floor, recorded_at)
select a.merchant_id, a.id, f.floor, %(now)s::timestamptz
from added a
join unnest(%(ids)s::uuid[], %(floors)s::bigint[]) as f (id, floor) on f.id = a.id
returning account_id

-- name: find_ids
-- By code, for accounts that Groat itself posts to.
select code, id from account where merchant_id = %(merchant_id)s and code = any(%(codes)s::text[])

-- name: get_account
-- The balance is cached, so this is two index probes whatever the account's history.
select
    a.id, a.number, a.code, a.currency, a.normal_side, b.floor, a.metadata, a.is_engine, b.status, b.posted,
    b.held, b.version, a.created_at
from account a
join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
where a.merchant_id = %(merchant_id)s and a.id = %(id)s

-- name: list_accounts
-- Oldest first, by the time-ordered id.
select
    a.id, a.number, a.code, a.currency, a.normal_side, b.floor, a.metadata, a.is_engine, b.status, b.posted,
    b.held, b.version, a.created_at
from account a
join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
where a.merchant_id = %(merchant_id)s and (%(after)s::uuid is null or a.id > %(after)s)
    and (%(code)s::text is null or a.code = %(code)s)
order by a.id
limit %(limit)s

-- name: update_account
-- What an account is called stays; what is noted of it may change.
update account set metadata = %(metadata)s
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: update_status
-- The row is locked already.
update balance set status = %(status)s
where merchant_id = %(merchant_id)s and account_id = %(id)s

-- name: list_entries
-- In either direction; the primary key is the statement, and its time the cursor.
select
    e.recorded_at, e.transaction_id, e.amount, e.balance_after, t.kind, t.reference, t.effective_at,
    t.subject
from ledger_entry e
join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
where e.merchant_id = %(merchant_id)s and e.account_number = %(number)s
    and e.recorded_at >= %(since)s and e.recorded_at < %(until)s
    and (%(kind)s::smallint is null or t.kind = %(kind)s)
order by e.recorded_at desc
limit %(limit)s

-- name: list_entries_oldest_first
-- As list_entries, the other way round.
select
    e.recorded_at, e.transaction_id, e.amount, e.balance_after, t.kind, t.reference, t.effective_at,
    t.subject
from ledger_entry e
join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
where e.merchant_id = %(merchant_id)s and e.account_number = %(number)s
    and e.recorded_at >= %(since)s and e.recorded_at < %(until)s
    and (%(kind)s::smallint is null or t.kind = %(kind)s)
order by e.recorded_at
limit %(limit)s

-- name: balance_at
-- What the last entry at or before that moment left: one probe of the primary key.
select e.balance_after
from ledger_entry e
where e.merchant_id = %(merchant_id)s and e.account_number = %(number)s
    and e.recorded_at <= %(at)s
order by e.recorded_at desc
limit 1

-- name: effective_balance_at
-- What is recorded by that moment, without what was to count only later, and with what was recorded
-- later and counts before. Only transactions with a time of their own are looked at.
select coalesce((
    select e.balance_after
    from ledger_entry e
    where e.merchant_id = %(merchant_id)s and e.account_number = %(number)s
        and e.recorded_at <= %(at)s
    order by e.recorded_at desc
    limit 1
), 0) + coalesce((
    select sum(case when t.recorded_at <= %(at)s then -e.amount else e.amount end)
    from ledger_transaction t
    join ledger_entry e on e.merchant_id = t.merchant_id and e.account_number = %(number)s
        and e.recorded_at = t.recorded_at and e.transaction_id = t.id
    where t.merchant_id = %(merchant_id)s and t.effective_at is not null
        and (t.recorded_at <= %(at)s) <> (t.effective_at <= %(at)s)
), 0)

-- name: get_transaction
-- By its id.
select t.kind, t.reference, t.recorded_at, t.effective_at
from ledger_transaction t
where t.merchant_id = %(merchant_id)s and t.id = %(id)s

-- name: transaction_entries
-- Entries of one moment are beside each other, and the index on that moment says where.
select a.id, e.amount, a.currency
from ledger_entry e
join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
where e.merchant_id = %(merchant_id)s and e.recorded_at = %(recorded_at)s
    and e.transaction_id = %(id)s
order by e.amount, a.number

-- name: get_hold
-- By its id.
select
    h.id, h.account_id, a.currency, h.request_hash, h.reference, h.amount, h.remaining, h.captured,
    h.state, h.expires_at, h.created_at
from hold h
join account a on a.merchant_id = h.merchant_id and a.id = h.account_id
where h.merchant_id = %(merchant_id)s and h.id = %(id)s

-- name: list_holds
-- An account's, newest first.
select
    h.id, h.account_id, a.currency, h.request_hash, h.reference, h.amount, h.remaining, h.captured,
    h.state, h.expires_at, h.created_at
from hold h
join account a on a.merchant_id = h.merchant_id and a.id = h.account_id
where h.merchant_id = %(merchant_id)s and h.account_id = %(account_id)s
    and (%(before)s::uuid is null or (h.created_at, h.id) < (
        select c.created_at, c.id from hold c
        where c.merchant_id = %(merchant_id)s and c.id = %(before)s
    ))
order by h.created_at desc, h.id desc
limit %(limit)s

-- name: trial_balance
-- Debit and credit balances in each currency, from the cached balances in one snapshot.
select
    a.currency,
    count(*),
    coalesce(sum(-b.posted) filter (where b.posted < 0), 0)::bigint,
    coalesce(sum(b.posted) filter (where b.posted > 0), 0)::bigint
from balance b
join account a on a.merchant_id = b.merchant_id and a.id = b.account_id
where b.merchant_id = %(merchant_id)s
group by a.currency
order by a.currency

-- name: ledger_imbalance
-- What all entries sum to, in absolute terms over the currencies; 0 in a ledger that is right.
select coalesce(sum(abs(total)), 0)::bigint
from (
    select sum(e.amount) as total
    from ledger_entry e
    join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
    group by a.currency
) as currencies
