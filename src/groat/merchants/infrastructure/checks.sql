-- name: check_merchants_match_record
-- A merchant is who the record says was made.
select count(*), count(*) filter (where bad), min(id) filter (where bad)
from (
    select coalesce(m.name, r.data ->> 'name') as id, not coalesce(r.data ->> 'name' = m.name, false) as bad
    from merchant m
    full join (select * from recorded_change where action = 'merchant.created') as r
        on r.merchant_id = m.merchant_id
) as merchants

-- name: check_api_keys_match_record
-- A key is of the merchant that it was made for, and opens nothing once the record says that it was revoked.
select count(*), count(*) filter (where bad), min(id) filter (where bad)
from (
    select coalesce(r.object, typeid('key', k.id)) as id, not coalesce(
        k.id is not null and r.is_created and r.is_revoked = (k.revoked_at is not null), false
    ) as bad
    from api_key k
    full join (
        select
            merchant_id, object_id, min(object) as object, bool_or(action = 'api_key.created') as is_created,
            bool_or(action = 'api_key.revoked') as is_revoked
        from recorded_change
        where action in ('api_key.created', 'api_key.revoked')
        group by merchant_id, object_id
    ) as r on r.merchant_id = k.merchant_id and r.object_id = k.id
) as keys

-- name: check_provider_accounts_match_record
-- A provider account is at the provider, and has the name, that the record says, and is deleted if that is
-- on the record.
select count(*), count(*) filter (where bad), min(id) filter (where bad)
from (
    select coalesce(r.object, typeid('pac', p.id)) as id, not coalesce(
        r.provider = p.provider and r.name = p.name and r.is_deleted = (p.deleted_at is not null), false
    ) as bad
    from provider_account p
    full join (
        select
            merchant_id, object_id, min(object) as object, max(data ->> 'provider') as provider,
            max(data ->> 'name') as name, bool_or(action = 'provider_account.deleted') as is_deleted
        from recorded_change
        where action in ('provider_account.put', 'provider_account.deleted')
        group by merchant_id, object_id
    ) as r on r.merchant_id = p.merchant_id and r.object_id = p.id
) as accounts
