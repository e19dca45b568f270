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

-- name: check_leaf_hashes
-- Check every record twice. PostgreSQL recomputes the hash of the bytes (RFC 6962: 0x00 before the bytes).
-- The columns must match the document: merchant, id, object, cause and time.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select id, case
        when leaf_hash <> sha256('\x00'::bytea || body) then true
        else not coalesce(
            document ->> 'id' = typeid('aud', id)
                and document ->> 'object' = typeid(substring(document ->> 'object', '^(.*)_'), object_id)
                and (
                    cause_id is null
                    or document ->> 'cause' = typeid(substring(document ->> 'cause', '^(.*)_'), cause_id)
                )
                and (document ->> 'merchant') = typeid('mer', rpad(lpad(to_hex(merchant_id), 16, '0'), 32, '0')::uuid)
                and recorded_at = (document ->> 'recorded_at')::timestamptz,
            false
        )
    end as bad
    from (
        select *, case
            when leaf_hash = sha256('\x00'::bytea || body) then convert_from(body, 'UTF8')::jsonb
        end as document
        from audit_record
    ) as parsed
) as records
