-- name: claim_key
-- Waits for a concurrent claim of the same key to commit or roll back, then does nothing or wins.
insert into idempotency_key (merchant_id, key, request_hash, object_kind, object_id, created_at)
values (%(merchant_id)s, %(key)s, %(request_hash)s, %(object_kind)s, %(object_id)s, %(now)s)
on conflict (merchant_id, key) do nothing
returning key

-- name: get_key
-- What the key was used for.
select request_hash, object_id from idempotency_key where merchant_id = %(merchant_id)s and key = %(key)s
