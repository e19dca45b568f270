-- name: insert_api_key
-- Insert an API key. Only a keyed hash of its secret is stored.
insert into api_key (merchant_id, id, secret_hash, name, scopes, created_at, expires_at)
values (
    %(merchant_id)s, %(id)s, %(secret_hash)s, %(name)s, %(scopes)s::text[], %(now)s,
    %(expires_at)s::timestamptz
)

-- name: find_api_key
-- Find an active API key with one probe of the primary key. The id is derived from the secret. Every call
-- reads the row, so a revocation takes effect at once.
select
    secret_hash, scopes,
    coalesce(last_used_at < %(now)s::timestamptz - interval '1 minute', true) as seems_unused
from api_key
where merchant_id = %(merchant_id)s and id = %(id)s
    and revoked_at is null and (expires_at is null or expires_at > %(now)s::timestamptz)

-- name: touch_api_key
-- Note the use of a key, about once a minute.
update api_key set last_used_at = %(now)s
where merchant_id = %(merchant_id)s and id = %(id)s and (last_used_at is null or last_used_at < %(now)s)

-- name: list_api_keys
-- List all keys, the newest first, without pages: a merchant has few.
select id, name, scopes, created_at, last_used_at, expires_at, revoked_at
from api_key
where merchant_id = %(merchant_id)s
order by created_at desc, id

-- name: lock_api_key
-- Lock a key that works while it is rolled or revoked.
select id, name, scopes, created_at, last_used_at, expires_at, revoked_at
from api_key
where merchant_id = %(merchant_id)s and id = %(id)s
    and revoked_at is null and (expires_at is null or expires_at > %(now)s::timestamptz)
for no key update

-- name: expire_api_key
-- Let a rolled key expire. Its expiry is never moved to a later time.
update api_key set expires_at = %(expires_at)s where merchant_id = %(merchant_id)s and id = %(id)s

-- name: revoke_api_key
-- Revoke an API key. A revocation is permanent.
update api_key set revoked_at = %(now)s where merchant_id = %(merchant_id)s and id = %(id)s
