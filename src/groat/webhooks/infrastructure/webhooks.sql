-- name: put_events
-- The constraint is the truth about duplicates: a second delivery is counted and nothing else. The
-- arrays come in the order of the constraint, which is the order in which rows are locked.
insert into webhook_event (
    merchant_id, id, provider_account_id, provider_event_id, event_type, body, status, deliveries,
    due_at, received_at
)
select
    merchant_id, id, provider_account_id, provider_event_id, event_type, body, 'pending', deliveries,
    received_at, received_at
from unnest(
    %(merchant_ids)s::bigint[], %(ids)s::uuid[], %(provider_account_ids)s::uuid[],
    %(provider_event_ids)s::text[], %(event_types)s::text[], %(bodies)s::bytea[],
    %(deliveries)s::bigint[], %(received_at)s::timestamptz[]
) as e (
    merchant_id, id, provider_account_id, provider_event_id, event_type, body, deliveries, received_at
)
on conflict (merchant_id, provider_account_id, provider_event_id)
do update set deliveries = webhook_event.deliveries + excluded.deliveries

-- name: claim_due
-- Takes what is due away from other workers until the lease ends; a worker that dies with its claim
-- loses nothing but that time. In the order of arrival: no fact depends on it, but most come in it.
with claimed as (
    update webhook_event
    set attempts = attempts + 1, due_at = %(lease_until)s
    where (merchant_id, id) in (
        select merchant_id, id
        from webhook_event
        where status = 'pending' and due_at <= %(now)s
        order by due_at
        limit %(limit)s
        for update skip locked
    )
    returning merchant_id, id, provider_account_id, event_type, body, attempts, failures
)
select * from claimed order by id

-- name: lock_claimed
-- Of the events that we claimed, those that are still ours: not settled, nor claimed by another
-- worker after our lease ran out. In the order in which deliveries are written (see put_events): a
-- delivery that comes again and a drain may want the same rows, and must not wait for each other.
select e.id
from webhook_event e
join unnest(%(ids)s::uuid[], %(attempts)s::integer[]) as c (id, attempts)
    on c.id = e.id and c.attempts = e.attempts
where e.merchant_id = %(merchant_id)s and e.status = 'pending'
order by e.provider_account_id, e.provider_event_id collate "C"
for no key update of e

-- name: settle
-- For good, or until the next try; not what another worker has claimed since.
update webhook_event e
set status = s.status, reason = s.reason, due_at = s.due_at,
    failures = e.failures + (s.status = 'pending')::integer,
    settled_at = case when s.status = 'pending' then null else %(now)s::timestamptz end
from unnest(
    %(ids)s::uuid[], %(attempts)s::integer[], %(statuses)s::text[], %(reasons)s::text[],
    %(due_at)s::timestamptz[]
) as s (id, attempts, status, reason, due_at)
where e.merchant_id = %(merchant_id)s and e.id = s.id and e.attempts = s.attempts
    and e.status = 'pending'

-- name: count_events
-- For the summary of a demonstration.
select
    count(*) filter (where status = 'pending'),
    count(*) filter (where status = 'processed'),
    coalesce(sum(deliveries), 0)::bigint,
    coalesce(sum(deliveries - 1), 0)::bigint
from webhook_event
where merchant_id = %(merchant_id)s

-- name: check_events_are_accounted_for
-- Every processed event has left a mark in the record, or says why it had no effect of its own.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select e.id, e.reason is null and a.cause_id is null as bad
    from webhook_event e
    left join (select distinct merchant_id, cause_id from audit_record) as a
        on a.merchant_id = e.merchant_id and a.cause_id = e.id
    where e.status = 'processed'
) as events

-- name: check_events_have_provider_accounts
-- The references of the inbox.
select count(*), count(*) filter (where bad), min(id::text) filter (where bad)
from (
    select e.id, p.id is null as bad
    from webhook_event e
    left join provider_account p on p.merchant_id = e.merchant_id and p.id = e.provider_account_id
) as events
