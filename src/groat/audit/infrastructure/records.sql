-- name: write_records
-- One statement for the records of a whole batch.
insert into audit_record (merchant_id, id, object_id, cause_id, recorded_at, body, leaf_hash)
select %(merchant_id)s::bigint, id, object_id, cause_id, %(recorded_at)s::timestamptz, body, leaf_hash
from unnest(
    %(ids)s::uuid[], %(object_ids)s::uuid[], %(cause_ids)s::uuid[], %(bodies)s::bytea[],
    %(leaf_hashes)s::bytea[]
) as r (id, object_id, cause_id, body, leaf_hash)

-- name: list_records
-- Newest first; the id is time-ordered, so it is the cursor.
select id, body
from audit_record
where merchant_id = %(merchant_id)s
    and (%(object_id)s::uuid is null or object_id = %(object_id)s)
    and (%(before)s::uuid is null or id < %(before)s)
order by id desc
limit %(limit)s

-- name: check_leaf_hashes
-- The hash of every record's bytes, computed anew by PostgreSQL (RFC 6962: 0x00 before the bytes), and what
-- the record is filed under against what it says: merchant, id, object, cause and time.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select id, case
        when leaf_hash <> sha256('\x00'::bytea || body) then true
        else not coalesce(
            said ->> 'id' = typeid('aud', id)
                and said ->> 'object' = typeid(substring(said ->> 'object', '^(.*)_'), object_id)
                and (cause_id is null or said ->> 'cause' = typeid(substring(said ->> 'cause', '^(.*)_'), cause_id))
                and (said ->> 'merchant') = typeid('mer', rpad(lpad(to_hex(merchant_id), 16, '0'), 32, '0')::uuid)
                and recorded_at = (said ->> 'recorded_at')::timestamptz,
            false
        )
    end as bad
    from (
        select *, case
            when leaf_hash = sha256('\x00'::bytea || body) then convert_from(body, 'UTF8')::jsonb
        end as said
        from audit_record
    ) as filed
) as records
