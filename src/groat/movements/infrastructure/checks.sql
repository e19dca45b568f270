-- name: check_movements_are_posted_once
-- Each movement that has a place has one ledger transaction: one of its own, or that of the fact with which it came.
-- The transaction changes the provider's balance (or the reserve) by the net amount of its movements, fees by the
-- fees, tax by the taxes, and the account of a place by the gross amount. It is effective when the first of them was
-- booked. The checks of open items and of clearing cover clearing, those of payments wallets.
select count(*) as examined, count(*) filter (where bad) as wrong, min(key) filter (where bad) as first
from (
    select
        m.key,
        t.id is null
            or t.kind = 32 and (m.movements > 1 or t.reference is distinct from m.named)
            or t.effective_at is distinct from m.occurred_at
            or coalesce(sum(n.amount) filter (where a.code like 'fees:%'), 0) <> -m.fee
            or coalesce(sum(n.amount) filter (where a.code like 'tax:%'), 0) <> -m.tax
            or coalesce(sum(n.amount) filter (where a.code like 'provider:%' and a.currency = m.currency), 0)
                <> -m.available
            or coalesce(sum(n.amount) filter (where a.code like 'reserve:%' and a.currency = m.currency), 0)
                <> m.held
            or m.counter is not null
                and coalesce(sum(n.amount) filter (where split_part(a.code, ':', 1) = m.place), 0) <> m.counter
            as bad
    from (
        select
            p.merchant_id, p.provider_account_id, p.transaction_id, m.currency, min(m.key) as key, count(*) as movements,
            'groat:movement:' || typeid('pac', p.provider_account_id) || ':' || min(m.key) as named,
            min(m.occurred_at) as occurred_at, sum(m.fee) as fee, sum(m.tax) as tax,
            coalesce(sum(m.gross - m.fee - m.tax) filter (where m.pool = 'available'), 0) as available,
            coalesce(sum(m.gross) filter (where p.place = 'reserve'), 0)
                - coalesce(sum(m.gross - m.fee - m.tax) filter (where m.pool = 'reserved'), 0) as held,
            min(p.place) as place,
            sum(m.gross) filter (
                where p.place in ('suspense', 'foreign', 'in_transit', 'loan', 'conversion', 'opening')
            ) as counter
        from movement_attribution p
        join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
            and m.key = p.movement_key
        where p.number = 1 and p.place <> 'twin' and (m.gross <> 0 or m.fee <> 0 or m.tax <> 0)
        group by p.merchant_id, p.provider_account_id, p.transaction_id, m.currency
    ) as m
    left join ledger_transaction t on t.merchant_id = m.merchant_id and t.id = m.transaction_id
    left join ledger_entry n on n.merchant_id = t.merchant_id and n.transaction_id = t.id
    left join account a on a.merchant_id = n.merchant_id and a.number = n.account_number and a.is_engine
    group by
        m.merchant_id, m.provider_account_id, m.key, m.named, m.movements, m.occurred_at, m.fee, m.tax, m.available,
        m.held, m.counter, m.place, m.currency, t.merchant_id, t.id
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
-- Each ledger transaction of movements (kinds 32 and 33) belongs to a place of a movement.
select count(*) as examined, count(*) filter (where bad) as wrong, min(id::text) filter (where bad) as first
from (
    select t.id, p.movement_key is null as bad
    from ledger_transaction t
    left join movement_attribution p on p.merchant_id = t.merchant_id and p.transaction_id = t.id
    where t.kind in (32, 33)
) as postings

-- name: check_moved_movements_are_posted
-- Each further place of a movement has a ledger transaction, which takes the gross amount from suspense, or returns it.
select count(*) as examined, count(*) filter (where bad) as wrong, min(movement_key) filter (where bad) as first
from (
    select
        p.movement_key,
        t.id is null or t.kind <> 33
            or t.reference is distinct from
                'groat:movement:' || typeid('pac', p.provider_account_id) || ':' || p.movement_key || '#' || p.number
            or coalesce(sum(n.amount) filter (where a.is_engine and a.code like 'suspense:%'), 0)
                <> case p.place when 'suspense' then m.gross else -m.gross end
            or (p.place = 'suspense') = (b.place = 'suspense')
            as bad
    from movement_attribution p
    join movement_attribution b on b.merchant_id = p.merchant_id and b.provider_account_id = p.provider_account_id
        and b.movement_key = p.movement_key and b.number = p.number - 1
    join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
        and m.key = p.movement_key
    left join ledger_transaction t on t.merchant_id = p.merchant_id and t.id = p.transaction_id
    left join ledger_entry n on n.merchant_id = t.merchant_id and n.transaction_id = t.id
    left join account a on a.merchant_id = n.merchant_id and a.number = n.account_number
    group by p.merchant_id, p.provider_account_id, p.movement_key, p.number, p.place, b.place, m.gross, t.merchant_id, t.id
) as moved

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
-- The balances of the accounts of places that belong to no payment are the sums of the movements there. Fees and tax
-- are those of all posted movements.
select count(*) as examined, count(*) filter (where bad) as wrong, min(code) filter (where bad) as first
from (
    select a.code, b.posted <> coalesce(m.amount, 0) as bad
    from account a
    join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
    left join (
        select
            m.merchant_id, sum(c.amount) as amount,
            c.account || ':' || typeid('pac', m.provider_account_id) || ':' || lower(m.currency) as code
        from (
            select distinct on (merchant_id, provider_account_id, movement_key) *
            from movement_attribution
            order by merchant_id, provider_account_id, movement_key, number desc
        ) as p
        join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
            and m.key = p.movement_key
        cross join lateral (
            values (nullif(p.place, 'fees'), m.gross), ('fees', -m.fee), ('tax', -m.tax)
        ) as c (account, amount)
        group by m.merchant_id, m.provider_account_id, m.currency, c.account
    ) as m on m.merchant_id = a.merchant_id and m.code = a.code
    where a.is_engine and split_part(a.code, ':', 1) in (
        'suspense', 'foreign', 'in_transit', 'loan', 'opening', 'fees', 'tax'
    )
) as balances

-- name: check_clearing_matches_open_items
-- The balance of each clearing account is the sum of its open items. The balances of conversion and of gains and
-- losses in a currency are together the sum of the exchanged items, and of the movements between two balances.
select count(*) as examined, count(*) filter (where bad) as wrong, min(code) filter (where bad) as first
from (
    select b.code, b.posted <> coalesce(i.amount, 0) as bad
    from (
        select a.merchant_id, case
            when a.code like 'clearing:%' then a.code else 'conversion:' || lower(a.currency)
        end as code, sum(b.posted) as posted
        from account a
        join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
        where a.is_engine and split_part(a.code, ':', 1) in ('clearing', 'conversion', 'fx_gain_loss')
        group by 1, 2
    ) as b
    left join (
        select merchant_id, code, sum(amount) as amount
        from (
            select i.merchant_id, s.amount, case
                when i.told <> 0 and i.booked <> 0 and i.told_currency <> i.booked_currency
                    then 'conversion:' || lower(s.currency)
                else 'clearing:' || typeid('pac', i.provider_account_id) || ':' || lower(s.currency)
            end as code
            from open_item i
            cross join lateral (
                values (i.told_currency, i.told), (i.booked_currency, i.booked)
            ) as s (currency, amount)
            where s.amount <> 0
            union all
            select m.merchant_id, m.gross, 'conversion:' || lower(m.currency)
            from movement_attribution p
            join movement m on m.merchant_id = p.merchant_id and m.provider_account_id = p.provider_account_id
                and m.key = p.movement_key
            where p.number = 1 and p.place = 'conversion'
        ) as items
        group by merchant_id, code
    ) as i on i.merchant_id = b.merchant_id and i.code = b.code
) as balances
