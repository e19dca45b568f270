-- name: claim_key
-- Claim a key. If an unfinished transaction has claimed it, wait for its end. If the key is taken, return no row.
insert into idempotency_key (merchant_id, key, request_hash, object_id, created_at)
values (%(merchant_id)s, %(key)s, %(request_hash)s, %(object_id)s, %(now)s)
on conflict (merchant_id, key) do nothing
returning key

-- name: get_key
-- Get the request and the object that a key was used for.
select request_hash, object_id from idempotency_key where merchant_id = %(merchant_id)s and key = %(key)s
