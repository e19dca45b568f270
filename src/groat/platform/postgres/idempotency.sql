-- name: claim_key
-- Claim a key. If another transaction claims the same key, wait for its end. Return no row if it committed.
-- A key without an answer and without an object is claimed again once its lease is over: its process died.
insert into idempotency_key (merchant_id, route, key, request_hash, object_kind, object_id, created_at, claimed_at)
values (
    %(merchant_id)s, %(route)s, %(key)s, %(request_hash)s, %(object_kind)s::text, %(object_id)s::uuid, now(), now()
)
on conflict (merchant_id, key, route) do update
set claimed_at = now()
where idempotency_key.answer is null and idempotency_key.object_id is null
    and idempotency_key.request_hash = excluded.request_hash
    and idempotency_key.claimed_at < now() - %(lease)s::interval
returning key

-- name: get_key
-- Get the request of a key, the object that it is bound to, and the answer.
select request_hash, object_id, answer, now() - claimed_at as age
from idempotency_key
where merchant_id = %(merchant_id)s and key = %(key)s and route = %(route)s

-- name: find_bound_objects
-- Find the objects that requests with a key changed, on any route. Requests that call no provider are not bound.
select object_kind, object_id
from idempotency_key
where merchant_id = %(merchant_id)s and key = %(key)s and object_id is not null

-- name: store_answer
-- Once only: a stored answer never changes.
update idempotency_key set answer = %(answer)s
where merchant_id = %(merchant_id)s and key = %(key)s and route = %(route)s and answer is null

-- name: release_key
-- After a refusal: the key is free again.
delete from idempotency_key
where merchant_id = %(merchant_id)s and key = %(key)s and route = %(route)s and answer is null and object_id is null

-- name: purge_keys
-- The oldest first, a limited number at once, and none that another worker deletes at the moment.
delete from idempotency_key
where (merchant_id, key, route) in (
    select merchant_id, key, route from idempotency_key
    where created_at < now() - %(age)s::interval
    order by created_at
    limit %(limit)s
    for update skip locked
)
returning key
