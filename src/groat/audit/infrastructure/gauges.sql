-- name: unsealed
-- Count the records that wait to be sealed, and tell the age of the oldest. Without a log there is no row.
select
    count(r.id) as records,
    coalesce(extract(epoch from now() - min(r.recorded_at)), 0)::double precision as oldest_seconds
from audit_log g
left join audit_record r on r.xid >= g.sealed_xid and (r.xid, r.id) > (g.sealed_xid, g.sealed_id)
    and not exists (select from audit_leaf l where l.record_id = r.id)
group by g.only_one

-- name: last_verification
-- Tell when the last verification ended, and whether every check held. Before the first one there is no row.
select extract(epoch from finished_at)::double precision as finished_at, ok::integer as ok
from audit_verification
order by id desc
limit 1
