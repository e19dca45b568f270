-- name: open_operations
-- Count the operations whose outcome is open, and tell the age of the oldest, for each open outcome.
select
    s.outcome, count(o.id) as operations,
    coalesce(extract(epoch from now() - min(o.created_at)), 0)::double precision as oldest_seconds
from unnest(array['pending', 'unknown']) as s (outcome)
left join operation o on o.outcome = s.outcome and o.outcome in ('pending', 'unknown')
group by s.outcome
