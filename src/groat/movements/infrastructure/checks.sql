-- name: check_movements_are_posted_once
-- Each movement that has a place has one ledger transaction with its own reference and time. The transaction
-- changes the provider's balance (or the reserve) by the net amount, fees by the fee, tax by the tax, and the
-- account of the place by the gross amount. The check of open items covers clearing, that of payments wallets.
select count(*) as examined, count(*) filter (where bad) as wrong, min(key) filter (where bad) as first
from (
    select
        m.key,
        t.id is null
            or t.effective_at is distinct from m.occurred_at
            or coalesce(sum(n.amount) filter (where a.code like 'fees:%'), 0) <> -m.fee
            or coalesce(sum(n.amount) filter (where a.code like 'tax:%'), 0) <> -m.tax
            or coalesce(sum(n.amount) filter (where a.code like case m.pool
                when 'available' then 'provider:%' else 'reserve:%' end
                and a.currency = m.currency), 0) <> m.fee + m.tax - m.gross
            or p.place in ('suspense', 'foreign', 'in_transit', 'reserve', 'loan', 'conversion')
                and coalesce(sum(n.amount) filter (where split_part(a.code, ':', 1) = p.place), 0) <> m.gross
            as bad
    from movement_attribution p
    join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
        and m.key = p.movement_key
    left join ledger_transaction t on t.merchant_id = p.merchant_id and t.id = p.transaction_id and t.kind = 32
        and t.reference = 'groat:movement:' || typeid('pac', p.provider_account_id) || ':' || p.movement_key
    left join ledger_entry n on n.merchant_id = t.merchant_id and n.transaction_id = t.id
    left join account a on a.merchant_id = n.merchant_id and a.number = n.account_number
    where p.number = 1 and p.place <> 'twin' and (m.gross <> 0 or m.fee <> 0 or m.tax <> 0)
    group by m.merchant_id, m.provider_account_id, m.key, p.place, t.merchant_id, t.id
) as posted

-- name: check_movements_have_accounts
-- Each movement belongs to a provider account, which may have been deleted since. The table has no foreign key.
select count(*) as examined, count(*) filter (where bad) as wrong, min(key) filter (where bad) as first
from (
    select m.key, a.id is null as bad
    from movement m
    left join provider_account a on a.merchant_id = m.merchant_id and a.id = m.provider_account_id
) as movements

-- name: check_movement_postings_have_movements
-- Each ledger transaction of movements (kind 32) belongs to a movement that has a place.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select t.id, p.movement_key is null as bad
    from ledger_transaction t
    left join movement_attribution p on p.merchant_id = t.merchant_id and p.transaction_id = t.id
    where t.kind = 32
) as postings

-- name: check_provider_balances_match_movements
-- The engine's mirror of each provider balance is the sum of the movements that have a place.
select count(*) as examined, count(*) filter (where bad) as wrong, min(code) filter (where bad) as first
from (
    select a.code, b.posted <> -coalesce(m.net, 0) as bad
    from account a
    join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
    left join (
        select
            m.merchant_id, 'provider:' || typeid('pac', m.provider_account_id) || ':' || lower(m.currency) as code,
            sum(m.gross - m.fee - m.tax) as net
        from movement m
        join movement_attribution p on p.merchant_id = m.merchant_id
            and p.provider_account_id = m.provider_account_id and p.movement_key = m.key and p.number = 1
        where m.pool = 'available'
        group by m.merchant_id, m.provider_account_id, m.currency
    ) as m on m.merchant_id = a.merchant_id and m.code = a.code
    where a.is_engine and a.code like 'provider:%'
) as balances

-- name: check_places_match_movements
-- The balances of suspense and of the accounts of other systems' money are the sums of the movements there.
select count(*) as examined, count(*) filter (where bad) as wrong, min(code) filter (where bad) as first
from (
    select a.code, b.posted <> coalesce(m.gross, 0) as bad
    from account a
    join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
    left join (
        select
            m.merchant_id, sum(m.gross) as gross,
            p.place || ':' || typeid('pac', m.provider_account_id) || ':' || lower(m.currency) as code
        from (
            select distinct on (merchant_id, provider_account_id, movement_key) *
            from movement_attribution
            order by merchant_id, provider_account_id, movement_key, number desc
        ) as p
        join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
            and m.key = p.movement_key
        group by m.merchant_id, m.provider_account_id, m.currency, p.place
    ) as m on m.merchant_id = a.merchant_id and m.code = a.code
    where a.is_engine and split_part(a.code, ':', 1) in ('suspense', 'foreign', 'loan')
) as balances

-- name: check_open_items_match_movements
-- The booked sum of each object is the sum of the movements that were attributed to it.
select count(*) as examined, count(*) filter (where bad) as wrong, min(reference) filter (where bad) as first
from (
    select
        coalesce(i.reference, m.reference) as reference,
        coalesce(i.booked, 0) <> coalesce(m.gross, 0)
            or m.currencies > 1 or i.booked_currency is distinct from m.currency and m.gross is not null as bad
    from open_item i
    full join (
        select
            p.merchant_id, p.provider_account_id, p.reference, sum(m.gross) as gross, min(m.currency) as currency,
            count(distinct m.currency) as currencies
        from movement_attribution p
        join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
            and m.key = p.movement_key
        where p.place = 'clearing'
        group by p.merchant_id, p.provider_account_id, p.reference
    ) as m on m.merchant_id = i.merchant_id and m.provider_account_id = i.provider_account_id
        and m.reference = i.reference
    where m.reference is not null or not exists (
        select from movement_attribution p
        where p.merchant_id = i.merchant_id and p.provider_account_id = i.provider_account_id
            and p.movement_key = i.reference and p.place = 'beneficiary'
    )
) as items
