-- name: put_events
-- Insert events, and skip those that exist. The unique constraint alone decides about duplicates: a
-- second delivery inserts no row, and waits for no worker that holds the first. The arrays are in the
-- order of the constraint, so processes that insert the same events cannot deadlock. Here and below,
-- due times are by PostgreSQL's clock: the clocks of the hosts differ, and may be set back.
insert into provider_event (
    merchant_id, id, provider_account_id, provider_reference, event_type, transmission_id, body, status,
    deliveries, due_at, received_at
)
select
    merchant_id, id, provider_account_id, provider_reference, event_type, transmission_id, body, 'pending',
    deliveries, now(), received_at
from unnest(
    (select %(merchant_ids)s::bigint[]), %(ids)s::uuid[], %(provider_account_ids)s::uuid[],
    %(provider_references)s::text[], %(event_types)s::text[], %(transmission_ids)s::text[],
    %(bodies)s::bytea[], %(deliveries)s::bigint[], %(received_at)s::timestamptz[]
) as e (
    merchant_id, id, provider_account_id, provider_reference, event_type, transmission_id, body,
    deliveries, received_at
)
on conflict (merchant_id, provider_account_id, provider_reference) do nothing
returning id

-- name: count_repetitions
-- Count repeated deliveries, in a table of their own, because a worker may hold the rows of the events.
-- The arrays are in the order of the key, so processes that count the same events cannot deadlock.
insert into provider_event_repetition as r (merchant_id, provider_account_id, provider_reference, deliveries)
select merchant_id, provider_account_id, provider_reference, deliveries
from unnest(
    %(merchant_ids)s::bigint[], %(provider_account_ids)s::uuid[], %(provider_references)s::text[],
    %(deliveries)s::bigint[]
) as e (merchant_id, provider_account_id, provider_reference, deliveries)
on conflict (merchant_id, provider_account_id, provider_reference)
    do update set deliveries = r.deliveries + excluded.deliveries

-- name: find_known_events
-- Find the events of a provider's list that are in the inbox already.
select provider_reference
from provider_event
where merchant_id = %(merchant_id)s and provider_account_id = %(provider_account_id)s
    and provider_reference = any(%(provider_references)s)

-- name: find_transmissions
-- Find the events that arrived with these transmissions.
select e.merchant_id, e.provider_account_id, e.transmission_id, e.provider_reference
from provider_event e
join unnest(%(merchant_ids)s::bigint[], %(provider_account_ids)s::uuid[], %(transmission_ids)s::text[])
    as t (merchant_id, provider_account_id, transmission_id)
    using (merchant_id, provider_account_id, transmission_id)

-- name: claim_due
-- Claim due events. No other worker can claim them until the lease ends; if this worker dies, that delay
-- is the only loss. Suspects are left out, since they are claimed alone, and so are the events of busy
-- accounts, which wait for their provider. The CTE is materialized: as a sub-select, a nested loop would
-- run it again for each row, skip the rows that are locked by then, and exceed the limit.
with due as materialized (
    select merchant_id, id
    from provider_event
    where settled_at is null and due_at <= now() and attempts_lost < 2
        and coalesce(claimed_until <= now(), true)
        and provider_account_id <> all(%(busy)s)
    order by due_at
    limit %(limit)s
    for update skip locked
)
update provider_event e
set attempts = e.attempts + 1, attempts_lost = e.attempts_lost + (e.claimed_until is not null)::integer,
    claimed_until = now() + %(lease)s::interval
from due
where e.merchant_id = due.merchant_id and e.id = due.id
returning
    e.merchant_id, e.id, e.provider_account_id, e.provider_reference, e.event_type, e.body, e.attempts,
    e.attempts_lost, e.failures, e.failures_alike, e.reason

-- name: claim_suspect
-- Claim one suspect: an event that was lost with its workers repeatedly and may be the cause of their
-- deaths. Materialized, as in claim_due.
with due as materialized (
    select merchant_id, id
    from provider_event
    where settled_at is null and due_at <= now() and attempts_lost >= 2
        and coalesce(claimed_until <= now(), true)
    order by due_at
    limit 1
    for update skip locked
)
update provider_event e
set attempts = e.attempts + 1, attempts_lost = e.attempts_lost + (e.claimed_until is not null)::integer,
    claimed_until = now() + %(lease)s::interval
from due
where e.merchant_id = due.merchant_id and e.id = due.id
returning
    e.merchant_id, e.id, e.provider_account_id, e.provider_reference, e.event_type, e.body, e.attempts,
    e.attempts_lost, e.failures, e.failures_alike, e.reason

-- name: renew_claims
-- Renew the claims of events, which expire one lease from now; without a lease, release them. A released
-- claim does not count as lost, because its worker is alive; the event is due when its lease would have
-- ended. Events that were settled meanwhile do not change. Rows are locked in id order (see
-- lock_claimed).
with ours as (
    select e.merchant_id, e.id, e.settled_at is null and e.claimed_until is not null as is_claimed
    from provider_event e
    join unnest(%(merchant_ids)s::bigint[], %(ids)s::uuid[], %(attempts)s::integer[])
        as c (merchant_id, id, attempts)
        using (merchant_id, id, attempts)
    order by e.merchant_id, e.id
    for no key update of e
)
update provider_event e
set claimed_until = now() + %(lease)s::interval,
    due_at = case when %(lease)s::interval is null then e.claimed_until else e.due_at end
from ours
where e.merchant_id = ours.merchant_id and e.id = ours.id and ours.is_claimed

-- name: lock_claimed
-- Lock the events that this worker claimed and no other worker has claimed since; tell which are still
-- open. The attempt number is the fencing token: a later claim has raised it. Every query that waits for
-- the locks of several events takes them in id order, so that two of them cannot deadlock. There is no
-- condition "settled_at is null": the planner would go through the index of all open events, which are
-- few when it plans, and a million after an outage.
select e.id, e.settled_at is null as is_open
from provider_event e
join unnest(%(ids)s::uuid[], %(attempts)s::integer[]) as c (id, attempts)
    on c.id = e.id and c.attempts = e.attempts
where e.merchant_id = %(merchant_id)s
order by e.id
for no key update of e

-- name: settle
-- Write the conclusions on events: settled for good, or due for the next try. The events are locked and
-- claimed by this worker (see lock_claimed). A worker that settles an event has survived it. So the
-- event did not cause the earlier losses, and their count starts again at 0.
update provider_event e
set status = s.status, reason = s.reason,
    due_at = case when s.is_open then now() + s.delay_ms * interval '1 ms' else e.due_at end,
    settled_at = case when not s.is_open then now() end, claimed_until = null, attempts_lost = 0,
    failures = e.failures + s.is_open::integer,
    failures_alike = case when s.reason = e.reason then e.failures_alike + 1 else 1 end
from (
    select *, status in ('deferred', 'retrying') as is_open
    from unnest(
        %(ids)s::uuid[], %(statuses)s::text[], %(reasons)s::text[], %(delays_ms)s::bigint[]
    ) as settlement (id, status, reason, delay_ms)
) as s
where e.merchant_id = %(merchant_id)s and e.id = s.id

-- name: list_events
-- List events, newest first: ids sort by the time of arrival. For an open status, the condition on
-- settled_at lets the planner use the index of open events, which it cannot infer from the status. Few
-- events are open, and even the newest of them may be old.
select
    e.id, e.provider_account_id, e.provider_reference, e.event_type, e.status, e.reason, e.attempts,
    e.deliveries + coalesce(r.deliveries, 0) as deliveries, e.due_at, e.received_at, e.settled_at
from provider_event e
left join provider_event_repetition r using (merchant_id, provider_account_id, provider_reference)
where e.merchant_id = %(merchant_id)s
    and (%(before)s::uuid is null or e.id < %(before)s::uuid)
    and (%(status)s::text is null or e.status = %(status)s::text)
    and (not %(is_open)s or e.settled_at is null)
    and (%(event_type)s::text is null or e.event_type = %(event_type)s::text)
    and (%(provider_account_id)s::uuid is null or e.provider_account_id = %(provider_account_id)s::uuid)
    and (%(reason)s::text is null or e.reason = %(reason)s::text)
    and (%(ids)s::uuid[] is null or e.id = any(%(ids)s::uuid[]))
    and (%(received_from)s::timestamptz is null or e.received_at >= %(received_from)s::timestamptz)
    and (%(received_before)s::timestamptz is null or e.received_at < %(received_before)s::timestamptz)
order by e.id desc
limit %(limit)s

-- name: get_event
-- Read one event, with the body that its provider sent.
select
    e.id, e.provider_account_id, e.provider_reference, e.event_type, e.status, e.reason, e.attempts,
    e.deliveries + coalesce(r.deliveries, 0) as deliveries, e.due_at, e.received_at, e.settled_at, e.body
from provider_event e
left join provider_event_repetition r using (merchant_id, provider_account_id, provider_reference)
where e.merchant_id = %(merchant_id)s and e.id = %(id)s

-- name: find_by_reference
-- Find events by the provider's id. The key begins with the provider account.
select e.id
from provider_account a
join provider_event e on e.merchant_id = a.merchant_id and e.provider_account_id = a.id
    and e.provider_reference = %(provider_reference)s
where a.merchant_id = %(merchant_id)s

-- name: read_unclaimed
-- Read events as a first claim would return them, without claiming them.
select
    merchant_id, id, provider_account_id, provider_reference, event_type, body, attempts, attempts_lost,
    0 as failures, 0 as failures_alike, null as reason
from provider_event
where merchant_id = %(merchant_id)s and id = any(%(ids)s)
order by id

-- name: replay
-- Reset events as if they had just been delivered for the first time, one after the other. Events that
-- a worker has claimed at this moment are left out. An open event becomes due no later than before. Rows
-- are locked in id order (see lock_claimed).
with unclaimed as (
    select e.id, case when e.settled_at is null then least(e.due_at, r.due_at) else r.due_at end as due_at
    from provider_event e
    join (
        select id, now() + delay_ms * interval '1 ms' as due_at
        from unnest(%(ids)s::uuid[], %(delays_ms)s::bigint[]) as replayed (id, delay_ms)
    ) as r on r.id = e.id
    where e.merchant_id = %(merchant_id)s and e.claimed_until is null
    order by e.id
    for no key update of e
)
update provider_event e
set status = 'pending', reason = null, settled_at = null, failures = 0, failures_alike = 0, attempts_lost = 0, due_at = r.due_at
from unclaimed r
where e.merchant_id = %(merchant_id)s and e.id = r.id
returning e.id

-- name: count_events
-- Count a merchant's events and deliveries, for the summary of a demonstration.
select
    count(*) filter (where settled_at is null) as pending,
    count(*) filter (where status = 'processed') as applied,
    coalesce(sum(deliveries), 0)::bigint as deliveries,
    coalesce(sum(greatest(deliveries - 1, 0)), 0)::bigint as duplicates
from (
    select e.settled_at, e.status, e.deliveries + coalesce(r.deliveries, 0) as deliveries
    from provider_event e
    left join provider_event_repetition r using (merchant_id, provider_account_id, provider_reference)
    where e.merchant_id = %(merchant_id)s
) as events

-- name: check_events_are_accounted_for
-- Check that every processed event is the cause of an audit record, or has a reason for no effect.
select count(*) as examined, count(*) filter (where bad) as wrong, min(typeid('pev', id)) filter (where bad) as first
from (
    select e.id, e.reason is null and a.cause_id is null as bad
    from provider_event e
    left join (select distinct merchant_id, cause_id from audit_record) as a
        on a.merchant_id = e.merchant_id and a.cause_id = e.id
    where e.status = 'processed'
) as events

-- name: check_events_have_provider_accounts
-- Check that the provider account of every event exists. The table has no foreign key.
select count(*) as examined, count(*) filter (where bad) as wrong, min(typeid('pev', id)) filter (where bad) as first
from (
    select e.id, p.id is null as bad
    from provider_event e
    left join provider_account p on p.merchant_id = e.merchant_id and p.id = e.provider_account_id
) as events

-- name: check_events_match_record
-- Check that a settled event is as its newest audit record says, and that no recorded event is missing. An
-- event that is open again was replayed after it was settled.
select count(*) as examined, count(*) filter (where bad) as wrong, min(typeid('pev', id)) filter (where bad) as first
from (
    select coalesce(r.object_id, e.id) as id, not coalesce(
        r.said ->> 'provider_reference' = e.provider_reference
            and r.said ->> 'type' = e.event_type
            and r.said ->> 'body_sha256' = encode(sha256(e.body), 'hex')
            and r.account = p.name
            and case when e.settled_at is null then r.last = 'provider_event.replayed' else
                r.last = 'provider_event.settled'
                and r.said ->> 'status' = e.status
                and r.said ->> 'reason' is not distinct from e.reason
            end, false
    ) as bad
    from provider_event e
    join (select merchant_id, id, typeid('pac', id) as name from provider_account) as p
        on p.merchant_id = e.merchant_id and p.id = e.provider_account_id
    full join (
        select
            merchant_id, object_id,
            (array_agg(action order by id desc))[1] as last,
            (array_agg(actor order by id desc) filter (where action = 'provider_event.settled'))[1] as account,
            (array_agg(data order by id desc) filter (where action = 'provider_event.settled'))[1] as said
        from recorded_change
        where action in ('provider_event.settled', 'provider_event.replayed')
        group by merchant_id, object_id
    ) as r on r.merchant_id = e.merchant_id and r.object_id = e.id
    where e.settled_at is not null or r.said is not null
) as events
