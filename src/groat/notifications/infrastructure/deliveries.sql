-- name: claim_deliveries
-- Claim due deliveries, at most so many of each endpoint as it has free places, so that one that does not answer delays
-- no other. An event waits for the earlier events of its object to the same endpoint, until these have failed several
-- times; the search is a sub-select and not an anti-join, which would read all open deliveries for each. The rows are
-- locked, so they stay at their places until they are updated; another worker skips them. The commit does not wait for the disk: if
-- PostgreSQL dies and forgets the claim, the event is sent twice at worst.
with relaxed as materialized (
    select set_config('synchronous_commit', 'off', true)
), due as materialized (
    select d.place
    from webhook_endpoint w
    left join unnest(%(busy_ids)s::uuid[], %(busy_counts)s::bigint[]) as b (endpoint_id, requests)
        on b.endpoint_id = w.id
    cross join lateral (
        select d.ctid as place
        from delivery d
        where d.merchant_id = w.merchant_id and d.endpoint_id = w.id and d.settled_at is null and d.due_at <= now()
            and coalesce(d.claimed_until <= now(), true)
            and (
                select e.position from delivery e
                where e.merchant_id = d.merchant_id and e.endpoint_id = d.endpoint_id and e.object_id = d.object_id
                    and e.settled_at is null and e.position < d.position and e.attempts < %(ordered_attempts)s
                limit 1
            ) is null
        order by d.due_at, d.position
        limit greatest(%(places)s - coalesce(b.requests, 0), 0)
        for no key update skip locked
    ) as d
    where w.status = 'enabled'
), claimed as (
    update delivery d
    set attempts = d.attempts + 1, claimed_until = now() + %(lease)s::interval
    from due
    where d.ctid = due.place
    returning d.merchant_id, d.endpoint_id, d.event_id, d.attempts, d.since
)
select
    c.merchant_id, c.endpoint_id, c.attempts, c.since, w.url, w.secrets,
    e.id, e.position, e.type, e.object_id, e.sequence, e.created_at, e.data, e.previous
from claimed c
cross join relaxed
join webhook_endpoint w on w.merchant_id = c.merchant_id and w.id = c.endpoint_id
join event e on e.merchant_id = c.merchant_id and e.id = c.event_id
order by e.position

-- name: settle_deliveries
-- Write the results of attempts, and log the attempts. The attempt number is the fencing token: if the lease has expired
-- and another worker has claimed the delivery, its number is higher, and this result is only logged. Rows are locked in
-- the order of their keys, and stay at their places then. There is no condition on settled_at before: with it, the
-- planner would go through the index of all open deliveries.
with result as materialized (
    select *
    from unnest(
        %(merchant_ids)s::bigint[], %(endpoint_ids)s::uuid[], %(event_ids)s::uuid[], %(numbers)s::bigint[],
        %(statuses)s::text[], %(delays_ms)s::bigint[], %(started)s::timestamptz[], %(latencies_ms)s::bigint[],
        %(status_codes)s::text[], %(errors)s::text[], %(answers)s::bytea[]
    ) as r (
        merchant_id, endpoint_id, event_id, number, status, delay_ms, started_at, latency_ms, status_code, error, answer
    )
), held as materialized (
    select d.ctid as place, d.settled_at is null as is_open, r.status, r.delay_ms
    from delivery d
    join result r on r.merchant_id = d.merchant_id and r.endpoint_id = d.endpoint_id and r.event_id = d.event_id
        and r.number = d.attempts
    order by d.merchant_id, d.endpoint_id, d.event_id
    for no key update of d
), logged as (
    insert into delivery_attempt (
        merchant_id, endpoint_id, event_id, number, started_at, latency_ms, status_code, error, answer
    )
    select
        merchant_id, endpoint_id, event_id, number, started_at, latency_ms, status_code::integer, error, answer
    from result
    on conflict do nothing
)
update delivery d
set status = h.status, claimed_until = null,
    due_at = case when h.status = 'retrying' then now() + h.delay_ms * interval '1 ms' else d.due_at end,
    settled_at = case when h.status in ('delivered', 'dead') then now() end
from held h
where d.ctid = h.place and h.is_open

-- name: relax_commit
-- Let the commit not wait for the disk, for results that may be forgotten: their events are sent again.
select set_config('synchronous_commit', 'off', true)

-- name: note_success
-- End the failures of endpoints that have answered. Most endpoints have no failures: their rows are not written.
update webhook_endpoint w
set failing_since = null
from unnest(%(merchant_ids)s::bigint[], %(endpoint_ids)s::uuid[]) as s (merchant_id, id)
where w.merchant_id = s.merchant_id and w.id = s.id and w.failing_since is not null

-- name: resend_delivery
-- Make one delivery due at once, whatever its state, as if it had never been tried.
update delivery
set status = 'pending', attempts = attempts, due_at = now(), since = now(), claimed_until = null, settled_at = null
where merchant_id = %(merchant_id)s and endpoint_id = %(endpoint_id)s and event_id = %(event_id)s
returning event_id

-- name: recover_deliveries
-- Make the dead deliveries of events since a time due again.
update delivery d
set status = 'pending', due_at = now(), since = now(), claimed_until = null, settled_at = null
from event e
where d.merchant_id = %(merchant_id)s and d.endpoint_id = %(endpoint_id)s and d.status = 'dead'
    and e.merchant_id = d.merchant_id and e.id = d.event_id and e.created_at >= %(since)s
returning d.event_id

-- name: add_missing_deliveries
-- Add deliveries of events since a time that the endpoint has none of: it was disabled, or did not exist yet.
insert into delivery (merchant_id, endpoint_id, event_id, object_id, position)
select e.merchant_id, w.id, e.id, e.object_id, e.position
from event e
join webhook_endpoint w on w.merchant_id = e.merchant_id and w.id = %(endpoint_id)s
where e.merchant_id = %(merchant_id)s and e.created_at >= %(since)s and e.position is not null
    and e.type <> 'webhook_endpoint.test'
    and exists (
        select from unnest(w.types) as t (pattern) where e.type like replace(replace(t.pattern, '_', '\_'), '*', '%')
    )
on conflict do nothing
returning event_id

-- name: list_deliveries
-- List the deliveries to an endpoint, newest event first.
select d.event_id, d.status, d.attempts, d.due_at, d.created_at, d.settled_at
from delivery d
where d.merchant_id = %(merchant_id)s and d.endpoint_id = %(endpoint_id)s
    and (%(status)s::text is null or d.status = %(status)s)
    and (%(before)s::uuid is null or d.event_id < %(before)s)
order by d.event_id desc
limit %(limit)s

-- name: get_delivery
-- Read one delivery.
select d.event_id, d.status, d.attempts, d.due_at, d.created_at, d.settled_at
from delivery d
where d.merchant_id = %(merchant_id)s and d.endpoint_id = %(endpoint_id)s and d.event_id = %(event_id)s

-- name: list_attempts
-- List the attempts of a delivery, oldest first.
select number, started_at, latency_ms, status_code, error, answer
from delivery_attempt
where merchant_id = %(merchant_id)s and endpoint_id = %(endpoint_id)s and event_id = %(event_id)s
order by number
