-- name: write_events
-- Insert the events of one change, and count the events of each object. The row of the object in event_object stays
-- locked until the commit, so sequences are in the order of commits. Objects are counted in id order, so two changes
-- cannot deadlock here.
with counted as (
    insert into event_object as o (merchant_id, id, sequence)
    select %(merchant_id)s::bigint, id, count(*)
    from unnest(%(object_ids)s::uuid[]) as changed (id)
    group by id
    order by id
    on conflict (merchant_id, id) do update set sequence = o.sequence + excluded.sequence
    returning id, sequence
)
insert into event (merchant_id, id, type, object_id, sequence, created_at, data, previous)
select
    %(merchant_id)s::bigint, e.id, e.type, e.object_id, c.sequence - e.later, %(created_at)s::timestamptz, e.data,
    e.previous
from unnest(
    (select %(ids)s::uuid[]), %(types)s::text[], %(object_ids)s::uuid[], %(laters)s::bigint[], %(data)s::bytea[],
    %(previous)s::bytea[]
) as e (id, type, object_id, later, data, previous)
join counted c on c.id = e.object_id

-- name: place_events
-- Give committed events the next positions of their feeds, in one statement that locks the feeds. A reader sees an event
-- once it has a position, and positions are committed in their order. So none appears below one that a reader has
-- passed. Events of one object keep their sequence: an event sorts at least as late as the events of its object before
-- it. The clocks of the hosts differ, so the order of ids alone does not ensure that. If another sequencer has placed an
-- event since this statement began, the update leaves it out, and its number stays unused. Feeds that another sequencer
-- holds are left out. Merchants without a feed are returned. The deliveries to the merchant's endpoints are added with the
-- position, so none is forgotten. A test event goes to the endpoint that it tests.
with waiting as materialized (
    select merchant_id, object_id, sequence from event where position is null order by id limit %(limit)s
), locked as materialized (
    select merchant_id, last_position from event_feed
    where merchant_id in (select merchant_id from waiting)
    order by merchant_id
    for no key update skip locked
), oldest as materialized (
    select w.merchant_id, w.object_id, max(w.sequence) as sequence, l.last_position
    from waiting w
    join locked l on l.merchant_id = w.merchant_id
    group by w.merchant_id, w.object_id, l.last_position
), due as (
    select
        e.merchant_id, e.id, e.sequence, o.last_position,
        max(e.id::text collate "C") over (partition by e.merchant_id, e.object_id order by e.sequence) as place
    from oldest o
    join event e on e.merchant_id = o.merchant_id and e.object_id = o.object_id
    where e.position is null and e.sequence <= o.sequence
), placed as (
    update event e
    set position = d.position
    from (
        select
            merchant_id, id,
            last_position + row_number() over (partition by merchant_id order by place, sequence) as position
        from due
    ) as d
    where e.merchant_id = d.merchant_id and e.id = d.id and e.position is null
    returning e.merchant_id, e.position, e.id, e.type, e.object_id
), delivered as (
    insert into delivery (merchant_id, endpoint_id, event_id, object_id, position)
    select p.merchant_id, w.id, p.id, p.object_id, p.position
    from placed p
    join webhook_endpoint w on w.merchant_id = p.merchant_id and w.status <> 'disabled'
    where case p.type when 'webhook_endpoint.test' then w.id = p.object_id else exists (
        select from unnest(w.types) as t (pattern) where p.type like replace(replace(t.pattern, '_', '\_'), '*', '%')
    ) end
    on conflict do nothing
    returning event_id
), extended as (
    update event_feed f
    set last_position = p.position
    from (select merchant_id, max(position) as position, count(*) as events from placed group by merchant_id) as p
    where f.merchant_id = p.merchant_id
    returning p.events
)
select
    (select coalesce(sum(events), 0)::bigint from extended) as events,
    (select count(*) from delivered) as deliveries,
    array(select distinct merchant_id from waiting where merchant_id not in (select merchant_id from event_feed))
        as without_feed

-- name: open_feeds
-- Create the feeds of merchants, at their first events.
insert into event_feed (merchant_id)
select merchant_id from unnest(%(merchant_ids)s::bigint[]) as m (merchant_id) order by merchant_id
on conflict do nothing

-- name: read_feed
-- Read a page of a feed, in one snapshot with the ends of the feed.
select f.last_position, f.purged_position, e.*
from event_feed f
left join lateral (
    select id, position, type, object_id, sequence, created_at, data, previous
    from event e
    where e.merchant_id = f.merchant_id and e.position > %(after)s
        and (%(object_id)s::uuid is null or e.object_id = %(object_id)s)
        and (%(pattern)s::text is null or e.type like %(pattern)s)
    order by e.position
    limit %(limit)s
) as e on true
where f.merchant_id = %(merchant_id)s
order by e.position

-- name: get_event
-- Read one event that has a position.
select id, position, type, object_id, sequence, created_at, data, previous
from event
where merchant_id = %(merchant_id)s and id = %(id)s and position is not null

-- name: list_events_of_objects
-- List the events of objects, oldest first, with the state of each delivery and its last attempt. Events without a
-- position are included. An event that goes to no endpoint has one row, without an endpoint.
select
    e.id, e.type, e.object_id, e.sequence, e.created_at, d.endpoint_id, d.status, d.attempts, d.status_code, d.error
from event e
left join lateral (
    select d.endpoint_id, d.status, d.attempts, a.status_code, a.error
    from webhook_endpoint w
    join delivery d on d.merchant_id = w.merchant_id and d.endpoint_id = w.id and d.event_id = e.id
    left join lateral (
        select a.status_code, a.error
        from delivery_attempt a
        where a.merchant_id = d.merchant_id and a.endpoint_id = d.endpoint_id and a.event_id = d.event_id
        order by a.number desc
        limit 1
    ) as a on true
    where w.merchant_id = e.merchant_id
) as d on true
where e.merchant_id = %(merchant_id)s and e.object_id = any(%(object_ids)s::uuid[])
order by e.created_at, e.object_id, e.sequence, d.endpoint_id

-- name: last_positions
-- Find the ends of feeds, for the readers that wait for the next event.
select merchant_id, last_position from event_feed where merchant_id = any(%(merchant_ids)s)

-- name: purge_events
-- Delete events that are older than the feed keeps them, with their deliveries. The feed remembers the highest deleted position, so that a
-- reader whose cursor is older learns that it has missed events.
with old as materialized (
    select merchant_id, id from event where created_at < %(before)s and position is not null limit %(limit)s
), deleted as (
    delete from event e using old
    where e.merchant_id = old.merchant_id and e.id = old.id
    returning e.merchant_id, e.id, e.position
), forgotten as (
    delete from delivery d
    using deleted e, webhook_endpoint w
    where w.merchant_id = e.merchant_id
        and d.merchant_id = w.merchant_id and d.endpoint_id = w.id and d.event_id = e.id
), attempts as (
    delete from delivery_attempt a
    using deleted e, webhook_endpoint w
    where w.merchant_id = e.merchant_id
        and a.merchant_id = w.merchant_id and a.endpoint_id = w.id and a.event_id = e.id
), ends as (
    select merchant_id, max(position) as position, count(*) as events from deleted group by merchant_id
)
update event_feed f set purged_position = greatest(f.purged_position, ends.position)
from ends
where f.merchant_id = ends.merchant_id
returning ends.events
