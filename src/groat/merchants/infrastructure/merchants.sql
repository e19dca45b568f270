-- name: insert_merchant
-- Insert a merchant with the wrapped data key that encrypts its secrets.
insert into merchant (merchant_id, name, data_key, created_at)
values (%(merchant_id)s, %(name)s, %(data_key)s, %(now)s)

-- name: find_merchant_by_name
-- Find a merchant by name, so that a second demonstration reuses the merchant of the first.
select merchant_id from merchant where name = %(name)s order by created_at limit 1

-- name: get_merchant
-- Read one merchant.
select merchant_id as id, name, created_at from merchant where merchant_id = %(merchant_id)s

-- name: list_merchants
-- List all merchants, the oldest first.
select merchant_id as id, name, created_at from merchant order by created_at, merchant_id

-- name: get_data_key
-- Read the wrapped data key, to encrypt or decrypt the merchant's credentials.
select data_key from merchant where merchant_id = %(merchant_id)s

-- name: lock_data_keys
-- Lock the data keys of all merchants while they are wrapped with another master key.
select merchant_id, data_key from merchant order by merchant_id for no key update

-- name: update_data_keys
-- Store the same data keys, wrapped with another master key.
update merchant m
set data_key = n.data_key
from unnest(%(merchant_ids)s::bigint[], %(data_keys)s::bytea[]) as n (merchant_id, data_key)
where m.merchant_id = n.merchant_id

-- name: put_provider_account
-- Insert an account, or replace the credentials of the account with this name. Merchants rotate credentials
-- this way. An account of this name at another provider stays as it is, and no row returns.
insert into provider_account (merchant_id, id, provider, name, credentials, created_at)
values (%(merchant_id)s, %(id)s, %(provider)s, %(name)s, %(credentials)s, %(now)s)
on conflict (merchant_id, name) where deleted_at is null do update set credentials = excluded.credentials
where provider_account.provider = excluded.provider
returning id

-- name: delete_provider_account
-- Delete an account and erase its credentials. Without them Groat cannot call the provider any more.
update provider_account
set deleted_at = %(now)s, credentials = ''
where merchant_id = %(merchant_id)s and id = %(id)s and deleted_at is null
returning id

-- name: get_provider_account
-- Read an account with its merchant's data key, which decrypts the credentials.
select p.id, p.provider, p.name, p.credentials, m.data_key
from provider_account p
join merchant m on m.merchant_id = p.merchant_id
where p.merchant_id = %(merchant_id)s and p.id = %(id)s and p.deleted_at is null

-- name: find_owner
-- Find the merchant of a provider account, for commands of an operator who names the account alone.
select merchant_id from provider_account where id = %(id)s and deleted_at is null

-- name: lock_provider_account
-- Lock an account by name while its credentials are merged with the caller's changes and written.
select p.id, p.provider, p.name, p.credentials, m.data_key
from provider_account p
join merchant m on m.merchant_id = p.merchant_id
where p.merchant_id = %(merchant_id)s and p.name = %(name)s and p.deleted_at is null
for no key update of p

-- name: list_provider_accounts
-- List all accounts, oldest first, without pages: a merchant has few.
select id, provider, name, created_at from provider_account
where merchant_id = %(merchant_id)s and deleted_at is null
order by id
