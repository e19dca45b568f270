-- name: check_merchants_match_record
-- Check that every merchant has the name in its audit record, and that every recorded merchant exists.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(m.name, r.data ->> 'name') as id, not coalesce(r.data ->> 'name' = m.name, false) as bad
    from merchant m
    full join (select * from recorded_change where action = 'merchant.created') as r
        on r.merchant_id = m.merchant_id
) as merchants

-- name: check_api_keys_match_record
-- Check that every API key belongs to the merchant it was created for, with the scopes of its audit record.
-- A key is revoked, and expires, exactly if and when the audit trail says so. Its expiry only moves earlier.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
from (
    select coalesce(r.object, typeid('key', k.id)) as id, not coalesce(
        k.id is not null and r.is_created and r.is_revoked = (k.revoked_at is not null)
        and r.scopes = array_to_string(k.scopes, ' ') and r.expires_at is not distinct from k.expires_at, false
    ) as bad
    from api_key k
    full join (
        select
            merchant_id, object_id, min(object) as object, bool_or(action = 'api_key.created') as is_created,
            bool_or(action = 'api_key.revoked') as is_revoked, max(data ->> 'scopes') as scopes,
            min((data ->> 'expires_at')::timestamptz) as expires_at
        from recorded_change
        where action in ('api_key.created', 'api_key.rolled', 'api_key.revoked')
        group by merchant_id, object_id
    ) as r on r.merchant_id = k.merchant_id and r.object_id = k.id
) as keys

-- name: check_provider_accounts_match_record
-- Check that every provider account has the provider and the name in its audit records.
-- An account is deleted exactly if the audit trail says so.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id) filter (where bad) as first
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
