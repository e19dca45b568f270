-- name: schema
-- Create the tables of a typical shop's own ledger. An entry is unique by charge and account, so a job
-- that runs twice does no harm.
create table account (
    id text primary key,
    balance bigint not null default 0,
    updated_at timestamptz not null default now()
);

create table payment (
    id text primary key,
    account_id text not null references account,
    status text not null,
    amount bigint not null,
    currency text not null,
    charge_id text,
    updated_at timestamptz not null default now()
);

create table webhook_event (
    id bigint primary key generated always as identity,
    event_id text not null unique,
    type text not null,
    body bytea not null,
    received_at timestamptz not null default now(),
    processed_at timestamptz
);

create table ledger_entry (
    id bigint primary key generated always as identity,
    charge_id text not null,
    account_id text not null references account,
    amount bigint not null,
    balance_after bigint not null,
    created_at timestamptz not null default now(),
    unique (charge_id, account_id)
);

create table audit_record (
    id bigint primary key generated always as identity,
    object_id text not null,
    action text not null,
    data jsonb not null,
    created_at timestamptz not null default now()
);
create index audit_record_by_object on audit_record (object_id);

-- name: open_accounts
-- Insert the clearing account, which every payment debits, and the wallets.
insert into account (id)
select 'clearing' union all select 'wallet:' || n from generate_series(1, %(wallets)s::int) as n

-- name: insert_payments
-- Insert payments that wait for the outcome of a call that was not answered.
insert into payment (id, account_id, status, amount, currency)
select id, 'wallet:' || 1 + n % %(wallets)s::int, 'processing', amount, %(currency)s
from unnest(%(ids)s::text[], %(amounts)s::bigint[]) with ordinality as p (id, amount, n)

-- name: effects
-- List the applied captures, each with the time of its commit.
select charge_id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8
from ledger_entry
where amount > 0

-- name: balances
-- Sum the balances of the wallets, and that of the clearing account.
select
    coalesce(sum(balance) filter (where id <> 'clearing'), 0)::bigint,
    coalesce(sum(balance) filter (where id = 'clearing'), 0)::bigint
from account

-- name: is_settled
-- Tell whether every stored event is processed.
select not exists (select from webhook_event where processed_at is null)

-- name: check_ledger
-- Check the textbook's books: every captured payment has one pair of entries, and every balance is the sum
-- of its entries.
select
    not exists (
        select from payment p
        full join (
            select charge_id, count(*) as entries, sum(amount) as total, max(amount) as amount
            from ledger_entry
            group by charge_id
        ) as e on e.charge_id = p.charge_id
        where p.charge_id is distinct from e.charge_id and p.status is distinct from 'processing'
            or e.entries <> 2 or e.total <> 0 or e.amount <> p.amount
    )
    and not exists (
        select from account a
        left join ledger_entry e on e.account_id = a.id
        group by a.id
        having a.balance <> coalesce(sum(e.amount), 0)
    )
