-- name: write_records
-- Append all records of a batch in one statement.
insert into audit_record (merchant_id, id, object_id, cause_id, recorded_at, body, leaf_hash)
select %(merchant_id)s::bigint, id, object_id, cause_id, %(recorded_at)s::timestamptz, body, leaf_hash
from unnest(
    (select %(ids)s::uuid[]), %(object_ids)s::uuid[], %(cause_ids)s::uuid[], %(bodies)s::bytea[],
    %(leaf_hashes)s::bytea[]
) as r (id, object_id, cause_id, body, leaf_hash)

-- name: list_records
-- List records newest first. Ids are ordered by time, so the id is the cursor.
select id, body
from audit_record
where merchant_id = %(merchant_id)s
    and (%(object_id)s::uuid is null or object_id = %(object_id)s)
    and (%(before)s::uuid is null or id < %(before)s)
order by id desc
limit %(limit)s
