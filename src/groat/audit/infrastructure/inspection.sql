-- name: log_size
-- Get the size of the log, by its leaves or by its checkpoints, whichever is larger; and the number of its subtrees.
select
    greatest(
        coalesce((select max(place) + 1 from audit_leaf), 0), coalesce((select max(size) from audit_checkpoint), 0)
    ) as size,
    (select count(*) from audit_node) as subtrees

-- name: verified_checkpoint
-- Get the checkpoint up to which the last verification found the log in order. After a run that found a fault, there
-- is none.
select size, peaks, note
from audit_checkpoint
where size = (select size from audit_verification order by id desc limit 1)

-- name: log_leaves
-- Read a part of the log with the records of its leaves.
select l.place, l.merchant_id, l.record_id, l.hash, r.object_id, r.cause_id, r.recorded_at, r.body
from audit_leaf l
left join audit_record r on r.merchant_id = l.merchant_id and r.id = l.record_id
where l.place >= %(start)s and l.place < %(end)s
order by l.place

-- name: log_checkpoints
-- Read the checkpoints over a part of the log.
select size, peaks, note from audit_checkpoint where size > %(start)s and size <= %(end)s order by size

-- name: log_subtrees
-- Read the hashes of the subtrees whose last leaf is in a part of the log.
select n.level, n.number, n.hash
from generate_series(8, 56, 8) as s (level)
join audit_node n on n.level = s.level and n.number >= %(start)s::bigint >> s.level
    and n.number < %(end)s::bigint >> s.level

-- name: insert_verification
-- Store the findings of a run.
insert into audit_verification (id, size, ok, findings, started_at, finished_at)
values (%(id)s, %(size)s, %(ok)s, %(findings)s::text::jsonb, %(started_at)s, %(finished_at)s)
