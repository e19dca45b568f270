-- name: lock_balances
-- Lock balances in id order, the same order everywhere, so that two postings cannot deadlock. After a
-- wait for a lock, PostgreSQL reads only the locked rows anew. So the columns that are read from account
-- are columns that never change.
select
    b.account_id, a.number, a.currency, b.status, b.posted, b.held, b.floor, b.version, b.recorded_at,
    a.is_engine
from balance b
join account a on a.merchant_id = b.merchant_id and a.id = b.account_id
where b.merchant_id = %(merchant_id)s and b.account_id = any(%(account_ids)s::uuid[])
order by b.account_id
for no key update of b

-- name: find_transactions
-- Find transactions that were posted before, by id: the id is the hash of the reference.
select id, request_hash, recorded_at
from ledger_transaction
where merchant_id = %(merchant_id)s and id = any(%(ids)s::uuid[])

-- name: find_holds
-- Read holds. A hold changes only under the lock of its account's balance, so it needs no lock itself.
select
    h.id, h.account_id, a.currency, h.request_hash, h.reference, h.amount, h.remaining, h.captured,
    h.state, h.expires_at, h.created_at
from hold h
join account a on a.merchant_id = h.merchant_id and a.id = h.account_id
where h.merchant_id = %(merchant_id)s and h.id = any(%(ids)s::uuid[])

-- name: write_postings
-- Write a whole batch in one round trip. The caller has locked the balance rows. If another caller has
-- posted one of the references meanwhile, the insert fails, and the batch is decided again.
with transactions as (
    insert into ledger_transaction (
        merchant_id, id, batch_id, request_hash, recorded_at, effective_at, kind, reference, subject
    )
    select
        %(merchant_id)s::bigint, id, batch_id, request_hash, recorded_at, effective_at, kind::smallint, reference,
        subject
    from unnest(
        %(transaction_ids)s::uuid[], %(batch_ids)s::bigint[], %(request_hashes)s::bigint[],
        %(recorded_at)s::timestamptz[], %(effective_at)s::timestamptz[], %(kinds)s::bigint[],
        %(references)s::text[], %(subjects)s::text[]
    ) as t (id, batch_id, request_hash, recorded_at, effective_at, kind, reference, subject)
), entries as (
    insert into ledger_entry (
        merchant_id, account_number, recorded_at, transaction_id, amount, balance_after
    )
    select %(merchant_id)s::bigint, account_number, recorded_at, transaction_id, amount, balance_after
    from unnest(
        %(entry_numbers)s::bigint[], %(entry_recorded_at)s::timestamptz[],
        %(entry_transaction_ids)s::uuid[], %(amounts)s::bigint[], %(balances_after)s::bigint[]
    ) as e (account_number, recorded_at, transaction_id, amount, balance_after)
)
update balance b
set posted = n.posted, held = n.held, version = n.version, recorded_at = n.recorded_at
from unnest(
    %(account_ids)s::uuid[], %(posted)s::bigint[], %(held)s::bigint[], %(versions)s::bigint[],
    %(balance_recorded_at)s::timestamptz[]
) as n (account_id, posted, held, version, recorded_at)
where b.merchant_id = %(merchant_id)s and b.account_id = n.account_id

-- name: insert_holds
-- Insert new holds. If another caller has used one of the references meanwhile, the insert fails.
insert into hold (
    merchant_id, id, account_id, request_hash, reference, amount, remaining, captured, state,
    expires_at, created_at
)
select
    %(merchant_id)s::bigint, id, account_id, request_hash, reference, amount, remaining, captured,
    state, expires_at, created_at
from unnest(
    %(ids)s::uuid[], %(account_ids)s::uuid[], %(request_hashes)s::bigint[], %(references)s::text[],
    %(amounts)s::bigint[], %(remaining)s::bigint[], %(captured)s::bigint[], %(states)s::text[],
    %(expires_at)s::timestamptz[], %(created_at)s::timestamptz[]
) as h (
    id, account_id, request_hash, reference, amount, remaining, captured, state, expires_at, created_at
)

-- name: update_holds
-- Update the amounts and states of holds. A hold's account, reference and amount never change.
update hold h
set remaining = n.remaining, captured = n.captured, state = n.state
from unnest(%(ids)s::uuid[], %(remaining)s::bigint[], %(captured)s::bigint[], %(states)s::text[])
    as n (id, remaining, captured, state)
where h.merchant_id = %(merchant_id)s and h.id = n.id

-- name: due_holds
-- Find expired holds of all merchants, by the index on open holds.
select merchant_id, id from hold
where state = 'open' and expires_at <= %(now)s
order by expires_at
limit %(limit)s
