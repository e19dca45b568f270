-- name: insert_accounts
-- Insert an account row and a balance row for each new account. Skip accounts whose code is taken.
with added as (
    insert into account (merchant_id, id, code, currency, normal_side, is_engine, metadata, created_at)
    select %(merchant_id)s::bigint, id, code, currency, normal_side, is_engine, metadata, %(now)s::timestamptz
    from unnest(
        %(ids)s::uuid[], %(codes)s::text[], %(currencies)s::text[], %(normal_sides)s::text[],
        %(are_engines)s::boolean[], %(metadata)s::jsonb[]
    ) as a (id, code, currency, normal_side, is_engine, metadata)
    order by code
    on conflict (merchant_id, code) do nothing
    returning merchant_id, id, number, currency, is_engine
)
insert into balance (merchant_id, account_id, number, floor, recorded_at, currency, is_engine)
select a.merchant_id, a.id, a.number, f.floor, %(now)s::timestamptz, a.currency, a.is_engine
from added a
join unnest(%(ids)s::uuid[], %(floors)s::bigint[]) as f (id, floor) on f.id = a.id
returning account_id

-- name: find_ids
-- Find accounts by code, for the accounts of the engine.
select code, id from account where merchant_id = %(merchant_id)s and code = any(%(codes)s::text[])

-- name: get_account
-- Read an account and its cached balance: two index probes, however many entries the account has.
select
    a.id, a.number, a.code, a.currency, a.normal_side, b.floor, a.metadata, a.is_engine, b.status, b.posted,
    b.held, b.version, a.created_at, w.account_id is not null as balance_events
from account a
join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
left join balance_watch w on w.merchant_id = a.merchant_id and w.account_id = a.id
where a.merchant_id = %(merchant_id)s and a.id = %(id)s

-- name: list_accounts
-- List accounts, oldest first: ids sort by time.
select
    a.id, a.number, a.code, a.currency, a.normal_side, b.floor, a.metadata, a.is_engine, b.status, b.posted,
    b.held, b.version, a.created_at, w.account_id is not null as balance_events
from account a
join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
left join balance_watch w on w.merchant_id = a.merchant_id and w.account_id = a.id
where a.merchant_id = %(merchant_id)s and (%(after)s::uuid is null or a.id > %(after)s)
    and (%(code)s::text is null or a.code = %(code)s)
order by a.id
limit %(limit)s

-- name: update_account
-- Update the metadata of an account. Its code and currency never change.
update account set metadata = %(metadata)s
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: update_status
-- Update the status of an account, whose balance row the caller has locked.
update balance set status = %(status)s
where merchant_id = %(merchant_id)s and account_id = %(id)s

-- name: watch_balance
-- Begin to watch a balance, from its present entry on. A watch that has begun stays where it is.
insert into balance_watch (merchant_id, account_id, posted, held, version)
select merchant_id, account_id, posted, held, version
from balance
where merchant_id = %(merchant_id)s and account_id = %(id)s
on conflict do nothing

-- name: unwatch_balance
-- End the watch of a balance.
delete from balance_watch where merchant_id = %(merchant_id)s and account_id = %(id)s

-- name: moved_balances
-- Lock the watches whose balance has entries that were not told. The balance row is read, not locked, so a posting never
-- waits. Its version counts committed entries, so none can appear below it later. If another worker has told of a balance
-- since this statement began, PostgreSQL checks its watch again and leaves it out.
select
    a.merchant_id, a.id, a.number, a.code, a.currency, a.normal_side, b.floor, a.metadata, a.is_engine, b.status, b.posted,
    b.held, b.version, a.created_at, true as balance_events,
    w.posted as told_posted, w.held as told_held, w.version as told_version
from balance_watch w
join balance b on b.merchant_id = w.merchant_id and b.account_id = w.account_id and b.version > w.version
join account a on a.merchant_id = w.merchant_id and a.id = w.account_id
order by w.merchant_id, w.account_id
limit %(limit)s
for no key update of w skip locked

-- name: note_told
-- Move locked watches to the balances that are told.
update balance_watch w
set posted = t.posted, held = t.held, version = t.version
from unnest(%(ids)s::uuid[], %(posted)s::bigint[], %(held)s::bigint[], %(versions)s::bigint[])
    as t (id, posted, held, version)
where w.merchant_id = %(merchant_id)s and w.account_id = t.id

-- name: list_entries
-- List an account's entries, newest first. The primary key has their order; its time is the cursor.
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
-- List an account's entries, oldest first.
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
-- Read the balance after the last entry at or before a moment: one probe of the primary key.
select e.balance_after as balance
from ledger_entry e
where e.merchant_id = %(merchant_id)s and e.account_number = %(number)s
    and e.recorded_at <= %(at)s
order by e.recorded_at desc
limit 1

-- name: effective_balance_at
-- Compute the balance that is effective at a moment. Start from the balance recorded by then. Subtract
-- entries that were recorded by then but are effective later; add entries that were recorded later but
-- are effective by then. Only transactions with an effective time of their own are examined.
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
), 0) as balance

-- name: get_transaction
-- Read a transaction by its id.
select t.kind, t.reference, t.recorded_at, t.effective_at
from ledger_transaction t
where t.merchant_id = %(merchant_id)s and t.id = %(id)s

-- name: get_subject
-- Read the id of the object that caused a transaction.
select subject from ledger_transaction where merchant_id = %(merchant_id)s and id = %(id)s

-- name: transaction_entries
-- List the entries of a transaction. The index on the time finds them, and entries of one moment are
-- stored side by side.
select a.id as account_id, e.amount, a.currency
from ledger_entry e
join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
where e.merchant_id = %(merchant_id)s and e.recorded_at = %(recorded_at)s
    and e.transaction_id = %(id)s
order by e.amount, a.number

-- name: list_transaction_lines
-- List the entries of several transactions. The lateral sub-query has an order, so it is run for each transaction,
-- with the index on the time.
select t.id as transaction_id, t.kind, t.recorded_at, e.code, e.amount, e.currency
from ledger_transaction t
cross join lateral (
    select a.code, n.amount, a.currency
    from ledger_entry n
    join account a on a.merchant_id = n.merchant_id and a.number = n.account_number
    where n.merchant_id = t.merchant_id and n.recorded_at = t.recorded_at and n.transaction_id = t.id
    order by n.amount, a.number
) as e
where t.merchant_id = %(merchant_id)s and t.id = any(%(ids)s::uuid[])
order by t.recorded_at, t.id, e.amount, e.code

-- name: get_hold
-- Read a hold by its id.
select
    h.id, h.account_id, a.currency, h.request_hash, h.reference, h.amount, h.remaining, h.captured,
    h.state, h.expires_at, h.created_at
from hold h
join account a on a.merchant_id = h.merchant_id and a.id = h.account_id
where h.merchant_id = %(merchant_id)s and h.id = %(id)s

-- name: list_holds
-- List an account's holds, newest first.
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
-- Sum the debit and the credit balances of each currency, from the cached balances in one snapshot.
select
    a.currency,
    count(*) as accounts,
    coalesce(sum(-b.posted) filter (where b.posted < 0), 0)::bigint as debits,
    coalesce(sum(b.posted) filter (where b.posted > 0), 0)::bigint as credits
from balance b
join account a on a.merchant_id = b.merchant_id and a.id = b.account_id
where b.merchant_id = %(merchant_id)s
group by a.currency
order by a.currency

-- name: list_journal
-- List the entries of a span after one of them. The index on the time finds a short span. The order keeps the entries
-- of a transaction together.
select
    e.recorded_at, e.transaction_id, e.account_number, t.effective_at, t.kind, t.reference, t.subject, a.code,
    a.currency, e.amount
from ledger_entry e
join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
where e.merchant_id = %(merchant_id)s and e.recorded_at >= %(since)s and e.recorded_at < %(until)s
    and (e.recorded_at, e.transaction_id, e.account_number)
        > (%(after_time)s::timestamptz, %(after_id)s::uuid, %(after_number)s::bigint)
order by e.recorded_at, e.transaction_id, e.account_number
limit %(limit)s

-- name: ledger_imbalance
-- Sum all entries by currency and add up the absolute sums. The result is 0 in a sound ledger.
select coalesce(sum(abs(total)), 0)::bigint as imbalance
from (
    select sum(e.amount) as total
    from ledger_entry e
    join account a on a.merchant_id = e.merchant_id and a.number = e.account_number
    group by a.currency
) as currencies
