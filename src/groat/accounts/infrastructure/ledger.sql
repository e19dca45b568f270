-- name: lock_balances
-- Lock balances in id order, the same order everywhere, so that two postings cannot deadlock: the balances of
-- these accounts, and of the accounts of these holds. A hold never moves to another account. After a wait for a
-- lock, PostgreSQL reads the locked rows anew.
select account_id, number, currency, status, posted, held, floor, version, recorded_at, is_engine
from balance
where merchant_id = %(merchant_id)s and account_id = any(
    %(account_ids)s::uuid[] || array(
        select account_id from hold where merchant_id = %(merchant_id)s and id = any(%(hold_ids)s::uuid[])
    )
)
order by account_id
for no key update

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
-- posted one of the references meanwhile, the insert fails, and the batch is decided again. All batches insert
-- their transactions in id order, so that two that share references cannot deadlock.
with transactions as (
    insert into ledger_transaction (
        merchant_id, id, batch_id, request_hash, recorded_at, effective_at, kind, reference, subject
    )
    select
        %(merchant_id)s::bigint, id, %(batch_id)s::bigint, request_hash, recorded_at, effective_at, kind::smallint,
        reference, subject
    from unnest(
        %(transaction_ids)s::uuid[], %(request_hashes)s::bigint[], %(recorded_at)s::timestamptz[],
        %(effective_at)s::timestamptz[], %(kinds)s::bigint[], %(references)s::text[], %(subjects)s::text[]
    ) as t (id, request_hash, recorded_at, effective_at, kind, reference, subject)
    order by id
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

-- name: post_by_claims
-- Post a batch and commit it in one exchange, if every account can bear it; else write nothing. The batch brings a
-- claim for each account: its demand, with heights relative to the balance before the batch.
-- locked: lock the balances in id order, one index probe for each claim, and judge each claim by the locked row. After
--   a wait for a lock, PostgreSQL reads the row anew. A claim on an account that does not exist has no row.
-- verdict: a single row. met: every claim has a row and holds. first_at, the time of the first transaction: now, but
--   later than the last entry of every account. numbers and balances: of the accounts, in the order of the claims.
-- transactions, entries, updated, recorded: write the batch from the verdict, and so nothing unless it is met. Each
--   transaction is recorded a microsecond after the one before it. Transactions are inserted in id order, as in
--   write_postings. recorded completes the audit record with the digest, which needs first_at.
-- The result is the verdict, and the accounts of the claims that hold if another one fails. A reference that was posted
-- before violates the primary key of ledger_transaction, and then nothing is written. No step depends on the planner's
-- estimates: each joins a single row, or balance by its whole key.
-- Facts cannot be refused: their claims hold whatever the balances are. If an account of a fact does not exist or has
-- another currency, which is a bug, its id becomes null, and ledger_transaction refuses that.
with locked as materialized (
    select
        c.place, c.total, c.entries, c.last, b.*,
        coalesce(b.currency = c.currency and (
            %(are_facts)s::boolean or (
                b.status = 'open' and not b.is_engine
                and b.posted + c.bottom >= -%(max_amount)s::bigint and b.posted + c.top <= %(max_amount)s::bigint
                and (b.floor is null or b.posted - b.held + c.lowest >= b.floor)
            )
        ), false) as holds
    from (
        select * from unnest(
            (select %(account_ids)s::uuid[]), %(currencies)s::text[], %(totals)s::bigint[], %(lowest)s::bigint[],
            %(bottoms)s::bigint[], %(tops)s::bigint[], %(entry_counts)s::bigint[], %(lasts)s::bigint[]
        ) with ordinality as c (account_id, currency, total, lowest, bottom, top, entries, last, place)
        order by account_id
    ) as c
    cross join lateral (
        select * from balance
        where merchant_id = %(merchant_id)s and account_id = c.account_id
        for no key update
    ) as b
), verdict as materialized (
    select
        count(*) filter (where holds) = cardinality(%(account_ids)s::uuid[]) as met,
        greatest(%(now)s::timestamptz, max(recorded_at) + interval '1 us') as first_at,
        array_agg(number order by place) as numbers, array_agg(posted order by place) as balances
    from locked
), transactions as (
    insert into ledger_transaction (
        merchant_id, id, batch_id, request_hash, recorded_at, effective_at, kind, reference, subject
    )
    select
        %(merchant_id)s::bigint, case when v.met then t.id end, %(batch_id)s::bigint, t.request_hash,
        v.first_at + (t.number - 1) * interval '1 us', t.effective_at, t.kind::smallint, t.reference, t.subject
    from verdict v
    cross join unnest(
        (select %(transaction_ids)s::uuid[]), %(request_hashes)s::bigint[], %(effective_at)s::timestamptz[],
        %(kinds)s::bigint[], %(references)s::text[], %(subjects)s::text[]
    ) with ordinality as t (id, request_hash, effective_at, kind, reference, subject, number)
    where v.met or %(are_facts)s::boolean
    order by t.id
), entries as (
    insert into ledger_entry (merchant_id, account_number, recorded_at, transaction_id, amount, balance_after)
    select
        %(merchant_id)s::bigint, v.numbers[e.place], v.first_at + (e.number - 1) * interval '1 us', e.transaction_id,
        e.amount, v.balances[e.place] + e.height
    from verdict v
    cross join unnest(
        (select %(entry_places)s::bigint[]), %(entry_numbers)s::bigint[], %(entry_transaction_ids)s::uuid[],
        %(amounts)s::bigint[], %(heights)s::bigint[]
    ) as e (place, number, transaction_id, amount, height)
    where v.met
), updated as (
    update balance b
    set posted = l.posted + l.total, version = l.version + l.entries,
        recorded_at = v.first_at + (l.last - 1) * interval '1 us'
    from verdict v
    cross join locked l
    where v.met and b.merchant_id = l.merchant_id and b.account_id = l.account_id
), recorded as (
    insert into audit_record (merchant_id, id, object_id, recorded_at, body, leaf_hash)
    select
        %(merchant_id)s::bigint, %(record_id)s::uuid, %(object_id)s::uuid, %(now)s::timestamptz, r.body,
        sha256('\x00'::bytea || r.body)
    from verdict v
    cross join lateral (
        select %(body_before)s::bytea || convert_to(encode(sha256(convert_to(concat_ws(
            ' ', %(content_digest)s::text, (extract(epoch from v.first_at) * 1000000)::bigint
        ), 'UTF8')), 'hex'), 'UTF8') || %(body_after)s::bytea as body
    ) as r
    where v.met
)
select met, first_at, case when not met then array(select account_id from locked where holds) end as holding
from verdict

-- name: post_pair
-- Do the same as post_by_claims for one transaction with two entries, which most batches of one are. Without columns to
-- unnest, sort and aggregate, it takes half of the time. The first account is the one with the lower id.
with locked as materialized (
    select
        p.amount, b.*,
        b.currency = %(currency)s::text and (
            %(are_facts)s::boolean or (
                b.status = 'open' and not b.is_engine
                and abs(b.posted + p.amount) <= %(max_amount)s::bigint
                and (b.floor is null or p.amount > 0 or b.posted - b.held + p.amount >= b.floor)
            )
        ) as holds
    from (
        values (%(first_id)s::uuid, %(first_amount)s::bigint), (%(second_id)s::uuid, %(second_amount)s::bigint)
    ) as p (account_id, amount)
    cross join lateral (
        select * from balance
        where merchant_id = %(merchant_id)s and account_id = p.account_id
        for no key update
    ) as b
), verdict as materialized (
    select
        count(*) filter (where holds) = 2 as met,
        greatest(%(now)s::timestamptz, max(recorded_at) + interval '1 us') as first_at
    from locked
), transactions as (
    insert into ledger_transaction (
        merchant_id, id, batch_id, request_hash, recorded_at, effective_at, kind, reference, subject
    )
    select
        %(merchant_id)s::bigint, case when met then %(id)s::uuid end, %(batch_id)s::bigint, %(request_hash)s::bigint,
        first_at, %(effective_at)s::timestamptz, %(kind)s::smallint, %(reference)s::text, %(subject)s::text
    from verdict
    where met or %(are_facts)s::boolean
), entries as (
    insert into ledger_entry (merchant_id, account_number, recorded_at, transaction_id, amount, balance_after)
    select
        %(merchant_id)s::bigint, l.number, v.first_at, %(id)s::uuid, l.amount,
        l.posted + l.amount
    from verdict v
    cross join locked l
    where v.met
), updated as (
    update balance b
    set posted = l.posted + l.amount, version = l.version + 1, recorded_at = v.first_at
    from verdict v
    cross join locked l
    where v.met and b.merchant_id = l.merchant_id and b.account_id = l.account_id
), recorded as (
    insert into audit_record (merchant_id, id, object_id, recorded_at, body, leaf_hash)
    select
        %(merchant_id)s::bigint, %(record_id)s::uuid, %(object_id)s::uuid, %(now)s::timestamptz, r.body,
        sha256('\x00'::bytea || r.body)
    from verdict v
    cross join lateral (
        select %(body_before)s::bytea || convert_to(encode(sha256(convert_to(concat_ws(
            ' ', %(content_digest)s::text, (extract(epoch from v.first_at) * 1000000)::bigint
        ), 'UTF8')), 'hex'), 'UTF8') || %(body_after)s::bytea as body
    ) as r
    where v.met
)
select met, first_at, case when not met then array(select account_id from locked where holds) end as holding
from verdict

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
    (select %(ids)s::uuid[]), %(account_ids)s::uuid[], %(request_hashes)s::bigint[], %(references)s::text[],
    %(amounts)s::bigint[], %(remaining)s::bigint[], %(captured)s::bigint[], %(states)s::text[],
    %(expires_at)s::timestamptz[], %(created_at)s::timestamptz[]
) as h (
    id, account_id, request_hash, reference, amount, remaining, captured, state, expires_at, created_at
)
order by id

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
