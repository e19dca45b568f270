-- name: effects
-- What was applied, and when it was committed.
select reference, extract(epoch from pg_xact_commit_timestamp(xmin))::float8
from applied_effect
where kind = 'captured'

-- name: balances
-- What the wallets have, and what the clearing account has.
select
    coalesce(sum(b.posted) filter (where a.code not like 'clearing:%'), 0)::bigint,
    coalesce(sum(b.posted) filter (where a.code like 'clearing:%'), 0)::bigint
from balance b
join account a on a.merchant_id = b.merchant_id and a.id = b.account_id

-- name: is_settled
-- Whether nothing is left to be applied.
select not exists (select from provider_event where settled_at is null)
