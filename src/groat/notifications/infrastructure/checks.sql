-- name: check_events_tell_changes
-- Check that every event has the audit record of its change, with the same id and time; and that every change that the
-- merchant is told of has its event. Events are kept for 30 days, so older changes are left out.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select e.id, r.id is null or r.recorded_at <> e.created_at as bad
    from event e
    left join audit_record r on r.merchant_id = e.merchant_id and r.id = e.id
    union all
    select c.id, e.id is null
    from recorded_change c
    left join event e on e.merchant_id = c.merchant_id and e.id = c.id
    where c.action = any(%(actions)s) and c.recorded_at > now() - interval '29 days'
) as told

-- name: check_events_are_in_sequence
-- Check that the events of each object have sequences without gaps up to the object's count, and positions in the same
-- order.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select
        coalesce(o.id, e.object_id) as id,
        o.id is null or max(e.sequence) <> o.sequence or max(e.sequence) - min(e.sequence) + 1 <> count(e.id)
            or bool_or(e.position <= e.position_before) as bad
    from event_object o
    full join (
        select
            merchant_id, object_id, id, sequence, position,
            max(position) over (
                partition by merchant_id, object_id order by sequence
                rows between unbounded preceding and 1 preceding
            ) as position_before
        from event
    ) as e on e.merchant_id = o.merchant_id and e.object_id = o.id
    group by coalesce(o.id, e.object_id), o.id, o.merchant_id, o.sequence
) as objects

-- name: check_events_are_within_their_feeds
-- Check that the position of every event is between the ends of its feed.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select e.id, f.merchant_id is null or e.position > f.last_position or e.position < 1 as bad
    from event e
    left join event_feed f on f.merchant_id = e.merchant_id
    where e.position is not null
) as placed

-- name: check_events_have_deliveries
-- Check that every event of an endpoint's types has a delivery to it, if it happened after the last change of the
-- endpoint; the clocks of hosts may differ by a minute. Test events go to one endpoint only.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select e.id, d.event_id is null as bad
    from webhook_endpoint w
    join event e on e.merchant_id = w.merchant_id and e.created_at > w.updated_at + interval '1 minute' and e.position is not null
    left join delivery d on d.merchant_id = e.merchant_id and d.endpoint_id = w.id and d.event_id = e.id
    where w.status = 'enabled' and e.type <> 'webhook_endpoint.test' and exists (
        select from unnest(w.types) as t (pattern) where e.type like replace(replace(t.pattern, '_', '\_'), '*', '%')
    )
) as told

-- name: check_deliveries_match_events
-- Check that every delivery has its endpoint, and its event at the same position and of the same object.
select count(*) as examined, count(*) filter (where bad) as wrong, min(event_id::text) filter (where bad) as first
from (
    select
        d.event_id,
        w.id is null or e.id is null or e.position is distinct from d.position or e.object_id <> d.object_id as bad
    from delivery d
    left join webhook_endpoint w on w.merchant_id = d.merchant_id and w.id = d.endpoint_id
    left join event e on e.merchant_id = d.merchant_id and e.id = d.event_id
) as deliveries

-- name: check_deliveries_match_attempts
-- Check that every delivery that succeeded has an attempt with a 2xx answer, that every dead one has a last attempt, and
-- that no attempt is without its delivery.
select count(*) as examined, count(*) filter (where bad) as wrong, min(event_id::text) filter (where bad) as first
from (
    select
        coalesce(d.event_id, a.event_id) as event_id,
        d.event_id is null
            or d.status = 'delivered' and not bool_or(coalesce(a.status_code between 200 and 299, false))
            or d.status = 'dead' and not bool_or(coalesce(a.number = d.attempts, false)) as bad
    from delivery d
    full join delivery_attempt a
        on a.merchant_id = d.merchant_id and a.endpoint_id = d.endpoint_id and a.event_id = d.event_id
    group by d.merchant_id, d.endpoint_id, d.event_id, a.event_id, d.status, d.attempts
) as deliveries
