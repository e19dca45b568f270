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
