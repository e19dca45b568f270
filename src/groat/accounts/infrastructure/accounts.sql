-- name: insert_accounts
-- Both rows of each account that is new; a code that is taken is left as it is.
with added as (
    insert into account (merchant_id, id, code, currency, normal_side, created_at)
    select %(merchant_id)s::uuid, id, code, currency, normal_side, %(now)s::timestamptz
    from unnest(%(ids)s::uuid[], %(codes)s::text[], %(currencies)s::text[], %(normal_sides)s::text[])
        as a (id, code, currency, normal_side)
    order by code
    on conflict (merchant_id, code) do nothing
    returning merchant_id, id
)
insert into balance (merchant_id, account_id)
select merchant_id, id from added
returning account_id

-- name: find_ids
-- By code, for accounts that Groat itself posts to.
select code, id from account where merchant_id = %(merchant_id)s and code = any(%(codes)s::text[])

-- name: get_account
-- The balance is cached, so this is two index probes whatever the account's history.
select a.id, a.code, a.currency, a.normal_side, b.posted, b.version, a.created_at
from account a
join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
where a.merchant_id = %(merchant_id)s and a.id = %(id)s

-- name: list_accounts
-- Oldest first, by the time-ordered id.
select a.id, a.code, a.currency, a.normal_side, b.posted, b.version, a.created_at
from account a
join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
where a.merchant_id = %(merchant_id)s and (%(after)s::uuid is null or a.id > %(after)s)
order by a.id
limit %(limit)s

-- name: list_entries
-- Newest first; the primary key is the statement, and its version the cursor.
select e.version, e.transaction_id, e.amount, e.balance_after, t.kind, t.reference, t.recorded_at
from ledger_entry e
join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
where e.merchant_id = %(merchant_id)s and e.account_id = %(account_id)s
    and (%(before)s::bigint is null or e.version < %(before)s)
order by e.version desc
limit %(limit)s

-- name: lock_balances
-- In one order everywhere, so that no two postings can wait for each other. Only this statement's
-- own rows are fresh after the wait, which is why nothing else is read here but what never changes.
select b.account_id, a.currency, b.posted, b.version
from balance b
join account a on a.merchant_id = b.merchant_id and a.id = b.account_id
where b.merchant_id = %(merchant_id)s and b.account_id = any(%(account_ids)s::uuid[])
order by b.account_id
for no key update of b

-- name: insert_transactions
-- A reference posts once: the constraint refuses the second, and with it the whole batch.
insert into ledger_transaction (merchant_id, id, kind, reference, recorded_at)
select %(merchant_id)s::uuid, id, kind, reference, %(now)s::timestamptz
from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(references)s::text[]) as t (id, kind, reference)

-- name: insert_entries
-- The entries of a whole batch.
insert into ledger_entry (merchant_id, account_id, version, transaction_id, amount, balance_after)
select %(merchant_id)s::uuid, account_id, version, transaction_id, amount, balance_after
from unnest(
    %(account_ids)s::uuid[], %(versions)s::bigint[], %(transaction_ids)s::uuid[],
    %(amounts)s::bigint[], %(balances_after)s::bigint[]
) as e (account_id, version, transaction_id, amount, balance_after)

-- name: update_balances
-- Rows that this transaction has locked already.
update balance b
set posted = n.posted, version = n.version
from unnest(%(account_ids)s::uuid[], %(posted)s::bigint[], %(versions)s::bigint[])
    as n (account_id, posted, version)
where b.merchant_id = %(merchant_id)s and b.account_id = n.account_id

-- name: ledger_imbalance
-- What all entries sum to, in absolute terms over the currencies; 0 in a ledger that is right.
select coalesce(sum(abs(total)), 0)::bigint
from (
    select sum(e.amount) as total
    from ledger_entry e
    join account a on a.merchant_id = e.merchant_id and a.id = e.account_id
    group by a.currency
) as currencies

-- name: check_transactions_sum_to_zero
-- Every transaction, in each of its currencies; one without entries counts as wrong.
select count(*), count(*) filter (where total is distinct from 0), min(id::text) filter (where total is distinct from 0)
from (
    select t.id, a.currency, sum(e.amount) as total
    from ledger_transaction t
    left join ledger_entry e on e.merchant_id = t.merchant_id and e.transaction_id = t.id
    left join account a on a.merchant_id = e.merchant_id and a.id = e.account_id
    group by t.merchant_id, t.id, a.currency
) as sums

-- name: check_currencies_sum_to_zero
-- The whole ledger, in each currency.
select count(*), count(*) filter (where total <> 0), min(currency) filter (where total <> 0)
from (
    select a.currency, sum(e.amount) as total
    from ledger_entry e
    join account a on a.merchant_id = e.merchant_id and a.id = e.account_id
    group by a.currency
) as sums

-- name: check_balances_match_entries
-- Every cached balance and version against the entries beneath it.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select b.account_id as id, b.posted <> coalesce(sum(e.amount), 0) or b.version <> count(e.*) as bad
    from balance b
    left join ledger_entry e on e.merchant_id = b.merchant_id and e.account_id = b.account_id
    group by b.merchant_id, b.account_id, b.posted, b.version
) as balances

-- name: check_entries_are_gapless
-- Each entry's version follows the one before, and its balance_after is the running sum.
select count(*), count(*) filter (where bad), min(id) filter (where bad)
from (
    select
        account_id || ' version ' || version as id,
        version <> row_number() over entries or balance_after <> sum(amount) over entries as bad
    from ledger_entry
    window entries as (partition by merchant_id, account_id order by version)
) as placed

-- name: check_entries_have_parents
-- The foreign keys that the hot path does without.
select count(*), count(*) filter (where bad), min(id) filter (where bad)
from (
    select e.account_id || ' version ' || e.version as id, t.id is null or b.account_id is null as bad
    from ledger_entry e
    left join ledger_transaction t on t.merchant_id = e.merchant_id and t.id = e.transaction_id
    left join balance b on b.merchant_id = e.merchant_id and b.account_id = e.account_id
) as entries
