-- name: insert_merchant
-- A tenant, with the key that encrypts its secrets, wrapped.
insert into merchant (merchant_id, name, data_key, created_at)
values (%(merchant_id)s, %(name)s, %(data_key)s, %(now)s)

-- name: find_merchant_by_name
-- For setting a demonstration up twice without making two merchants.
select merchant_id from merchant where name = %(name)s order by created_at limit 1

-- name: get_data_key
-- The wrapped key, needed whenever credentials are sealed or opened.
select data_key from merchant where merchant_id = %(merchant_id)s

-- name: lock_data_keys
-- Of all merchants, until they are wrapped with another master key.
select merchant_id, data_key from merchant order by merchant_id for no key update

-- name: update_data_keys
-- The same keys, wrapped with another master key.
update merchant m
set data_key = n.data_key
from unnest(%(merchant_ids)s::bigint[], %(data_keys)s::bytea[]) as n (merchant_id, data_key)
where m.merchant_id = n.merchant_id

-- name: insert_api_key
-- Only a keyed hash of the secret is kept.
insert into api_key (merchant_id, id, secret_hash, created_at)
values (%(merchant_id)s, %(id)s, %(secret_hash)s, %(now)s)

-- name: find_api_key
-- One probe of the primary key per call; revoking takes effect at once. The id follows from the secret.
select secret_hash
from api_key
where merchant_id = %(merchant_id)s and id = %(id)s and revoked_at is null

-- name: revoke_api_key
-- For good: it is found no more.
update api_key set revoked_at = %(now)s where merchant_id = %(merchant_id)s and id = %(id)s

-- name: put_provider_account
-- By name: giving an account again replaces its credentials, which is how they are rotated.
insert into provider_account (merchant_id, id, provider, name, credentials, created_at)
values (%(merchant_id)s, %(id)s, %(provider)s, %(name)s, %(credentials)s, %(now)s)
on conflict (merchant_id, name) where deleted_at is null do update set credentials = excluded.credentials
where provider_account.provider = excluded.provider
returning id

-- name: delete_provider_account
-- For good: without its credentials nothing can be asked of the provider.
update provider_account
set deleted_at = %(now)s, credentials = ''
where merchant_id = %(merchant_id)s and id = %(id)s and deleted_at is null
returning id

-- name: get_provider_account
-- With the merchant's data key, which opens the credentials.
select p.id, p.provider, p.name, p.credentials, m.data_key
from provider_account p
join merchant m on m.merchant_id = p.merchant_id
where p.merchant_id = %(merchant_id)s and p.id = %(id)s and p.deleted_at is null

-- name: lock_provider_account
-- By name, until its new credentials are written: they are what it has and what it is given.
select p.id, p.provider, p.name, p.credentials, m.data_key
from provider_account p
join merchant m on m.merchant_id = p.merchant_id
where p.merchant_id = %(merchant_id)s and p.name = %(name)s and p.deleted_at is null
for no key update of p

-- name: list_provider_accounts
-- All of them: a merchant has a few.
select id, provider, name, created_at from provider_account
where merchant_id = %(merchant_id)s and deleted_at is null
order by id
