-- name: accounts
-- Insert one merchant with ground.accounts accounts and ground.empty wallets, and their audit records. A
-- wallet has the floor 0 and no money, so every transfer from it is refused.
insert into merchant values (1, 'Benchmark', '\x00', now());

insert into account (merchant_id, id, code, currency, normal_side, is_engine, created_at)
select
    1, ('00000000-0000-7000-8000-0000' || 10000000 + n)::uuid, 'account:' || n, 'EUR', 'credit', false, now()
from generate_series(1, current_setting('ground.accounts')::int + current_setting('ground.empty')::int) as n;

insert into balance (merchant_id, account_id, number, floor, recorded_at, currency, is_engine)
select
    merchant_id, id, number, case when row_number() over (order by number) > current_setting('ground.accounts')::int then 0 end,
    created_at, currency, is_engine
from account;

insert into audit_record (merchant_id, id, object_id, recorded_at, body, leaf_hash)
select merchant_id, id, object_id, created_at, body, sha256('\x00'::bytea || body)
from (
    select
        a.merchant_id, gen_random_uuid() as id, a.id as object_id, created_at, 'account.created' as action,
        typeid('acct', a.id) as object,
        json_build_object('code', code, 'currency', a.currency, 'normal_side', normal_side, 'floor', floor) as data
    from account a
    join balance b on b.merchant_id = a.merchant_id and b.account_id = a.id
    union all
    select
        merchant_id, gen_random_uuid(), '00000000-0000-0001-0000-000000000000', created_at, 'merchant.created',
        typeid('mer', '00000000-0000-0001-0000-000000000000'), json_build_object('name', name)
    from merchant
) as made, lateral (
    select convert_to(json_build_object(
        'action', action, 'data', data, 'id', typeid('aud', id), 'object', object, 'recorded_at', created_at,
        'merchant', typeid('mer', '00000000-0000-0001-0000-000000000000')
    )::text, 'UTF8') as body
) as record;

-- name: fill
-- Fill the ledger with past transfers. Accounts form pairs; each pair has ground.transfers transfers, and
-- the pairs take turns. batch_id stores the turn and request_hash the pair, so that the second statement
-- can derive the entries from them.
insert into ledger_transaction
select
    1, gen_random_uuid(), turn, pair,
    now() - interval '1 day' + turn * interval '1 minute' + pair * interval '1 us',
    null, 1, 'fill-' || turn || '-' || pair
from generate_series(1, current_setting('ground.transfers')::int) as turn, generate_series(1, current_setting('ground.accounts')::int / 2) as pair;

insert into ledger_entry
select 1, a.number, t.recorded_at, t.id, side.sign * 100, side.sign * 100 * t.batch_id
from ledger_transaction t
cross join (values (0, -1), (1, 1)) as side (odd, sign)
join (select number, row_number() over (order by id) - 1 as n from account) as a
    on a.n = 2 * (t.request_hash - 1) + side.odd
order by t.recorded_at;

update balance b
set posted = e.posted, version = e.version, recorded_at = e.recorded_at
from (
    select a.id, sum(amount) as posted, count(*) as version, max(e.recorded_at) as recorded_at
    from ledger_entry e
    join account a on a.number = e.account_number
    group by a.id
) as e
where b.account_id = e.id;

-- name: for_update
-- The usual way: one transaction for each transfer, with rows locked in order, in one round trip.
-- It writes the same rows as Groat except the audit record.
create function for_update_transfer(debit uuid, credit uuid, moved bigint, reference text)
returns uuid language plpgsql as $$
declare
    id constant uuid := gen_random_uuid();
    moment timestamptz := clock_timestamp();
    debited record;
    credited record;
    found record;
begin
    for found in
        select b.account_id, a.number, a.currency, b.status, b.posted, b.held, b.floor, b.recorded_at
        from balance b
        join account a on a.merchant_id = b.merchant_id and a.id = b.account_id
        where b.merchant_id = 1 and b.account_id in (debit, credit)
        order by b.account_id
        for update of b
    loop
        if found.status <> 'open' or found.currency <> 'EUR' then
            raise exception 'account % cannot take part', found.account_id;
        end if;
        moment := greatest(moment, found.recorded_at + interval '1 us');
        if found.account_id = debit then debited := found; else credited := found; end if;
    end loop;
    if debited.posted - debited.held - moved < debited.floor then
        raise exception 'insufficient funds';
    end if;
    insert into ledger_transaction values (1, id, 0, 0, moment, null, 1, reference);
    insert into ledger_entry values
        (1, debited.number, moment, id, -moved, debited.posted - moved),
        (1, credited.number, moment, id, moved, credited.posted + moved);
    update balance set posted = posted - moved, version = version + 1, recorded_at = moment
    where merchant_id = 1 and account_id = debit;
    update balance set posted = posted + moved, version = version + 1, recorded_at = moment
    where merchant_id = 1 and account_id = credit;
    return id;
end
$$;
create sequence for_update_reference;
