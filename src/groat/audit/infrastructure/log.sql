-- name: insert_log
-- Name the log. It is named once.
insert into audit_log (origin) values (%(origin)s) on conflict do nothing returning origin

-- name: lock_log
-- Lock the log for one sealing, or return no row while another sealer holds it. Every transaction before xmin has
-- ended, so no record of one can appear later.
select
    origin, server, sealed_xid::text, sealed_id, pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
    (select system_identifier::text from pg_control_system()) as here
from audit_log
for no key update skip locked

-- name: await_log
-- Lock the log after the sealer that holds it.
select origin from audit_log for no key update

-- name: get_origin
-- Get the name of the log.
select origin from audit_log

-- name: insert_key
-- Store a key that signs checkpoints from now on.
insert into audit_key (id, public_key, private_key, created_at)
values (%(id)s, %(public_key)s, %(private_key)s, %(now)s)

-- name: retire_key
-- Retire a key, unless it is the last one.
update audit_key set retired_at = %(now)s
where id = %(id)s and retired_at is null and (select count(*) from audit_key where retired_at is null) > 1
returning id

-- name: list_keys
-- List all keys, oldest first.
select id, public_key as public, private_key as private, created_at, retired_at from audit_key order by id

-- name: last_checkpoint
-- Get the newest checkpoint.
select size, peaks, note from audit_checkpoint order by size desc limit 1

-- name: append_cosignatures
-- Store what witnesses signed under a checkpoint.
insert into audit_cosignature (size, line, created_at)
select %(size)s, line, %(now)s from unnest(%(lines)s::text[]) as c (line)
on conflict do nothing

-- name: list_checkpoints
-- List checkpoints, newest first, each with the signatures of witnesses below those of the log.
select
    c.size,
    c.note || coalesce((select string_agg(line, '' order by line) from audit_cosignature s where s.size = c.size), '')
        as note,
    c.created_at
from audit_checkpoint c
where %(before)s::bigint is null or size < %(before)s
order by size desc
limit %(limit)s

-- name: due_records
-- Find the records after the last sealed one, of transactions that have ended: those have numbers below xmin. After
-- the search of all records, some of them have leaves already.
select
    merchant_id, id, leaf_hash, xid::text as transaction,
    exists (select from audit_leaf l where l.record_id = r.id) as is_sealed
from audit_record r
where (r.xid, r.id) > (%(sealed_xid)s::text::xid8, %(sealed_id)s::uuid) and r.xid < %(xmin)s::text::xid8
order by r.xid, r.id
limit %(limit)s

-- name: records_without_leaf
-- Search all committed records for those without a leaf. On another server the numbers of transactions start anew,
-- and say nothing about the order of these records.
select merchant_id, id, leaf_hash, xid::text as transaction, false as is_sealed
from audit_record r
where not exists (select from audit_leaf l where l.record_id = r.id)
order by r.xid, r.id
limit %(limit)s

-- name: append_leaves
-- Give records their places, after all others.
insert into audit_leaf (place, merchant_id, record_id, hash)
select %(size)s::bigint + ordinality - 1, merchant_id, record_id, hash
from unnest(%(merchant_ids)s::bigint[], %(record_ids)s::uuid[], %(hashes)s::bytea[])
    with ordinality as l (merchant_id, record_id, hash, ordinality)

-- name: append_nodes
-- Store the hashes of subtrees that have become complete.
insert into audit_node (level, number, hash)
select level, number, hash
from unnest(%(levels)s::bigint[], %(numbers)s::bigint[], %(hashes)s::bytea[]) as n (level, number, hash)

-- name: append_checkpoint
-- Store a signed checkpoint.
insert into audit_checkpoint (size, peaks, note, created_at) values (%(size)s, %(peaks)s, %(note)s, %(now)s)

-- name: advance_log
-- Remember the last sealed record, and the server whose transaction numbers these are.
update audit_log
set server = %(server)s, sealed_xid = %(sealed_xid)s::text::xid8, sealed_id = %(sealed_id)s

-- name: count_waiting
-- Count committed records that the sealer must leave, because an older transaction has not ended yet; and name that
-- transaction's session, or the prepared transaction.
select
    (select count(*) from audit_record where xid >= %(xmin)s::text::xid8) as records,
    coalesce(
        (select 'process ' || pid from pg_stat_activity where backend_xid = %(xmin)s::text::xid8::xid limit 1),
        (select 'prepared transaction ' || gid from pg_prepared_xacts where transaction = %(xmin)s::text::xid8::xid)
    ) as transaction

-- name: log_status
-- Show the size of the log and the committed records that wait to be sealed. Name the oldest open transaction that
-- has a number; the records after it wait for its end.
select
    g.origin,
    coalesce((select max(size) from audit_checkpoint), 0) as size,
    count(r.id) as waiting,
    min(r.recorded_at) as oldest,
    (
        select 'process ' || pid from pg_stat_activity
        where backend_xid = pg_snapshot_xmin(pg_current_snapshot())::xid limit 1
    ) as transaction
from audit_log g
left join audit_record r on (r.xid, r.id) > (g.sealed_xid, g.sealed_id)
    and not exists (select from audit_leaf l where l.record_id = r.id)
group by g.origin

-- name: find_record
-- Find the bytes of a record, and its place in the log if it is sealed.
select r.body, l.place
from audit_record r
left join audit_leaf l on l.record_id = r.id
where r.merchant_id = %(merchant_id)s and r.id = %(record_id)s

-- name: find_owner
-- Find the merchant of a sealed record.
select merchant_id from audit_leaf where record_id = %(record_id)s

-- name: stored_hashes
-- Read stored hashes: leaves (level 0) and complete subtrees, each from first to last.
with wanted as (
    select level, first, last
    from unnest(%(levels)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[]) as w (level, first, last)
)
select 0::bigint as level, l.place as number, l.hash
from wanted w
join audit_leaf l on l.place between w.first and w.last
where w.level = 0
union all
select n.level::bigint, n.number, n.hash
from wanted w
join audit_node n on n.level = w.level and n.number between w.first and w.last
