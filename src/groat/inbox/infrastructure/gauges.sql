-- name: open_events
-- Count the events that are not settled, and tell the age of the oldest, for each open status.
select
    s.status, count(e.id) as events,
    coalesce(extract(epoch from now() - min(e.received_at)), 0)::double precision as oldest_seconds
from unnest(%(statuses)s::text[]) as s (status)
left join provider_event e on e.status = s.status and e.settled_at is null
group by s.status

-- name: dead_events
-- Count the events that nobody tries any more.
select count(*) as events from provider_event where status = 'dead'
