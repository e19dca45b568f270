-- name: write_records
-- Append all records of a batch in one statement.
insert into audit_record (merchant_id, id, object_id, cause_id, recorded_at, body, leaf_hash)
select %(merchant_id)s::bigint, id, object_id, cause_id, %(recorded_at)s::timestamptz, body, leaf_hash
from unnest(
    (select %(ids)s::uuid[]), %(object_ids)s::uuid[], %(cause_ids)s::uuid[], %(bodies)s::bytea[],
    %(leaf_hashes)s::bytea[]
) as r (id, object_id, cause_id, body, leaf_hash)

-- name: list_records
-- List records newest first. Ids are ordered by time, so the id is the cursor, and bounds of the id find the times
-- quickly. The bytes of a record begin with its action and its actor; inside a JSON text, a quotation mark has a
-- backslash, so no other text can look like these.
select id, body
from audit_record
where merchant_id = %(merchant_id)s
    and (%(object_id)s::uuid is null or object_id = %(object_id)s)
    and (%(before)s::uuid is null or id < %(before)s)
    and (%(first_id)s::uuid is null or id >= %(first_id)s)
    and (%(last_id)s::uuid is null or id <= %(last_id)s)
    and (%(since)s::timestamptz is null or recorded_at >= %(since)s)
    and (%(until)s::timestamptz is null or recorded_at < %(until)s)
    and (%(action)s::bytea is null or position(%(action)s::bytea in body) = 1)
    and (%(actor)s::bytea is null or position(%(actor)s::bytea in body) > 0)
order by id desc
limit %(limit)s

-- name: count_records
-- Count the records that list_records lists, for a progress bar.
select count(*) as records
from audit_record
where merchant_id = %(merchant_id)s
    and (%(object_id)s::uuid is null or object_id = %(object_id)s)
    and (%(first_id)s::uuid is null or id >= %(first_id)s)
    and (%(last_id)s::uuid is null or id <= %(last_id)s)
    and (%(since)s::timestamptz is null or recorded_at >= %(since)s)
    and (%(until)s::timestamptz is null or recorded_at < %(until)s)
    and (%(action)s::bytea is null or position(%(action)s::bytea in body) = 1)
    and (%(actor)s::bytea is null or position(%(actor)s::bytea in body) > 0)
