-- name: beat
-- Write the sign of life of one process, and forget the processes that have been silent for a day.
with forgotten as (
    delete from engine_process where seen_at < now() - interval '1 day' and id <> %(id)s
)
insert into engine_process (id, kind, host, version, started_at, seen_at)
values (%(id)s, %(kind)s, %(host)s, %(version)s, now(), now())
on conflict (id) do update set seen_at = now()

-- name: leave
-- Remove a process that ends in order.
delete from engine_process where id = %(id)s

-- name: list_processes
-- List the processes, the newest first. A process is alive if it was seen within three beats.
select id, kind, host, version, started_at, seen_at, seen_at > now() - %(silence)s::interval as is_alive
from engine_process
order by started_at desc

-- name: alive_processes
-- Count the processes that are alive, by kind and version.
select kind, version, count(*) as processes
from engine_process
where seen_at > now() - %(silence)s::interval
group by kind, version
