-- name: effects
-- List the applied captures, each with the time of its commit.
select reference, extract(epoch from pg_xact_commit_timestamp(xmin))::float8
from applied_effect
where kind = 'captured'

-- name: balances
-- Sum the balances of the wallets, and those of the clearing account.
select
    coalesce(sum(b.posted) filter (where a.code not like 'clearing:%'), 0)::bigint,
    coalesce(sum(b.posted) filter (where a.code like 'clearing:%'), 0)::bigint
from balance b
join account a on a.merchant_id = b.merchant_id and a.id = b.account_id

-- name: is_settled
-- Tell whether every stored event is settled.
select not exists (select from provider_event where settled_at is null)
