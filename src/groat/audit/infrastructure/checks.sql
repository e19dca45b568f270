-- name: check_leaf_hashes
-- Check every record that is not sealed yet. PostgreSQL recomputes the hash of the bytes (RFC 6962: 0x00 before the
-- bytes). The columns must match the document: merchant, id, object, cause and time.
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
        from audit_record r
        where not exists (select from audit_leaf l where l.record_id = r.id)
    ) as parsed
) as records

-- name: check_records_match_leaves
-- Compare every record with its leaf in the log, in both directions: its hash, its bytes and its merchant. A record
-- without a leaf must be younger than the last sealed one, as this server counts transactions.
select
    count(*) as examined, count(*) filter (where bad) as wrong,
    typeid('aud', (min(id::text) filter (where bad))::uuid) as first
from (
    select
        coalesce(l.record_id, r.id) as id,
        case
            when r.id is null then true
            when l.record_id is null then (r.xid, r.id) <= (g.sealed_xid, g.sealed_id)
            else l.merchant_id <> r.merchant_id or l.hash <> r.leaf_hash
                or r.leaf_hash <> sha256('\x00'::bytea || r.body)
        end as bad
    from audit_leaf l
    full join audit_record r on r.id = l.record_id
    left join audit_log g on g.server = (select system_identifier::text from pg_control_system())
) as records
