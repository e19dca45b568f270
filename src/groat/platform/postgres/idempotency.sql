-- name: claim_key
-- Claim a key. If another transaction claims the same key, wait for its end. Return no row if it committed.
insert into idempotency_key (merchant_id, key, request_hash, object_kind, object_id, created_at)
values (%(merchant_id)s, %(key)s, %(request_hash)s, %(object_kind)s, %(object_id)s, %(now)s)
on conflict (merchant_id, key) do nothing
returning key

-- name: get_key
-- Get the request and the object that a key was used for.
select request_hash, object_id from idempotency_key where merchant_id = %(merchant_id)s and key = %(key)s
