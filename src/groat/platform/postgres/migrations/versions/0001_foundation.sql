-- Every key starts with merchant_id. A transaction that moves money touches one merchant only, so the
-- tables can be sharded by merchant_id.

-- The key that hashes and signs. It is wrapped with the master key, which is not in the database.
create table root_key (
    only_one boolean primary key default true check (only_one),
    wrapped bytea not null
);

create table merchant (
    merchant_id bigint primary key,
    name text not null check (length(name) between 1 and 200),
    data_key bytea not null,
    created_at timestamptz not null
);

-- The id of an API key is derived from its secret. The hash covers merchant and id, so a row copied to another
-- merchant matches no secret.
create table api_key (
    merchant_id bigint not null references merchant,
    id uuid not null,
    secret_hash bytea not null,
    name text check (length(name) between 1 and 255),
    scopes text[] not null check (cardinality(scopes) between 1 and 100),
    created_at timestamptz not null,
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (merchant_id, id)
);

create table provider_account (
    merchant_id bigint not null references merchant,
    id uuid not null,
    provider text not null check (length(provider) between 1 and 100),
    name text not null check (length(name) between 1 and 200),
    credentials bytea not null,
    created_at timestamptz not null,
    deleted_at timestamptz,
    primary key (merchant_id, id)
);
-- The row of a deleted provider account stays, without credentials, because payments refer to it. Its name can
-- be used again.
create unique index provider_account_name on provider_account (merchant_id, name) where deleted_at is null;

-- A key belongs to one route. The answer is encrypted with the merchant's data key. It is null while the first
-- request is under way; object_id is the object that this request changes if it calls a provider.
create table idempotency_key (
    merchant_id bigint not null references merchant,
    route text not null check (length(route) between 1 and 255),
    key text not null check (length(key) between 1 and 255),
    request_hash bytea not null,
    object_kind text check (object_kind in ('payment', 'refund')),
    object_id uuid,
    answer bytea,
    created_at timestamptz not null,
    claimed_at timestamptz not null,
    primary key (merchant_id, key, route),
    constraint idempotency_key_bound_whole check ((object_kind is null) = (object_id is null))
);
create index idempotency_key_created on idempotency_key (created_at);

-- The ledger. In entries, credits are positive and debits are negative. The hot path has no foreign
-- keys, because the parent row is locked already; `groat verify` checks the same references.

-- The fixed columns of an account. Entries refer to it by its number, which is half as wide as its id.
-- is_engine marks the engine's own accounts, such as clearing. Only facts from providers move them; callers
-- cannot.
create table account (
    merchant_id bigint not null references merchant,
    id uuid not null,
    number bigint not null generated always as identity,
    code text not null check (length(code) between 1 and 200),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    normal_side text not null check (normal_side in ('credit', 'debit')),
    is_engine boolean not null,
    metadata jsonb not null default '{}',
    created_at timestamptz not null,
    primary key (merchant_id, id),
    unique (merchant_id, code),
    unique (merchant_id, number)
);

-- The balance of an account: the columns that may change under its lock. recorded_at is the time of its last
-- entry. number, currency and is_engine are copied from the account, so that a posting reads this row alone. They
-- never change.

create table balance (
    merchant_id bigint not null,
    account_id uuid not null,
    number bigint not null,
    posted bigint not null default 0,
    held bigint not null default 0,
    floor bigint,
    version bigint not null default 0,
    recorded_at timestamptz not null,
    status text not null default 'open' check (status in ('open', 'frozen', 'closed')),
    currency text not null,
    is_engine boolean not null,
    primary key (merchant_id, account_id),
    foreign key (merchant_id, account_id) references account,
    constraint balance_held_not_negative check (held >= 0),
    constraint balance_above_floor check (posted - held >= floor)
) with (fillfactor = 60);

-- The accounts whose merchants are told of changes by events, and the balance that the last event told. A row exists only
-- where the merchant asks for it. Postings never touch this table: a worker compares the versions.

create table balance_watch (
    merchant_id bigint not null,
    account_id uuid not null,
    posted bigint not null,
    held bigint not null,
    version bigint not null,
    primary key (merchant_id, account_id),
    foreign key (merchant_id, account_id) references account
) with (fillfactor = 70);

-- The id is the hash of the reference, so one index makes both unique. One audit record covers all
-- transactions of a batch. effective_at is null if it equals recorded_at. subject is the id of the payment,
-- refund or dispute that caused the transaction, as the API shows it. The table has millions of rows, so every
-- byte counts. Hence the short batch_id, the numbered kinds, and an order of columns without padding.

create table ledger_transaction (
    merchant_id bigint not null,
    id uuid not null,
    batch_id bigint not null,
    request_hash bigint not null,
    recorded_at timestamptz not null,
    effective_at timestamptz check (effective_at >= '1970-01-01 00:00+00' and effective_at < '3000-01-01 00:00+00'),
    kind smallint not null,
    reference text not null check (length(reference) between 1 and 255),
    subject text,
    primary key (merchant_id, id)
);
create index ledger_transaction_effective on ledger_transaction (merchant_id, effective_at)
    where effective_at is not null;

-- Entries in the order of recording. No two entries of an account share a microsecond. So the primary key
-- yields the account's statement, and a past balance takes one lookup in it.
create table ledger_entry (
    merchant_id bigint not null,
    account_number bigint not null,
    recorded_at timestamptz not null,
    transaction_id uuid not null,
    amount bigint not null check (amount <> 0),
    balance_after bigint not null,
    primary key (merchant_id, account_number, recorded_at)
);
-- Finds the entries of a transaction by its recorded_at. They are stored together, so it reads a few pages.
create index ledger_entry_recorded on ledger_entry using brin (recorded_at) with (autosummarize = on);

create table hold (
    merchant_id bigint not null,
    id uuid not null,
    account_id uuid not null,
    request_hash bigint not null,
    reference text not null check (length(reference) between 1 and 255),
    amount bigint not null check (amount > 0),
    remaining bigint not null check (remaining between 0 and amount),
    captured bigint not null default 0 check (captured between 0 and amount),
    state text not null check (state in ('open', 'captured', 'released', 'expired')),
    expires_at timestamptz check (expires_at >= '1970-01-01 00:00+00' and expires_at < '3000-01-01 00:00+00'),
    created_at timestamptz not null,
    primary key (merchant_id, id),
    foreign key (merchant_id, account_id) references account,
    constraint hold_open_has_remaining check ((state = 'open') = (remaining > 0)),
    constraint hold_adds_up check (captured + remaining <= amount)
);
create index hold_by_account on hold (merchant_id, account_id, created_at, id);
create index hold_expiring on hold (expires_at) where state = 'open';

-- Payments.

create table payment (
    merchant_id bigint not null references merchant,
    id uuid not null,
    status text not null check (status in (
        'created', 'processing', 'requires_action', 'requires_payment_method', 'authorized', 'succeeded', 'canceled',
        'expired', 'failed'
    )),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    amount bigint not null check (amount > 0),
    authorized bigint not null default 0,
    captured bigint not null default 0,
    refunded bigint not null default 0,
    refund_pending bigint not null default 0,
    returned bigint not null default 0,
    in_dispute bigint not null default 0 check (in_dispute >= 0),
    owed bigint not null default 0 check (owed >= 0),
    beneficiary_id uuid not null,
    provider_account_id uuid not null,
    payment_method text,
    payment_method_kind text,
    capture_method text not null check (capture_method in ('automatic', 'manual')),
    return_url text,
    reference text,
    customer_reference text,
    customer_email text,
    description text,
    statement_descriptor text,
    metadata jsonb not null,
    provider_metadata text[] not null,
    salt uuid not null,
    attempts integer not null default 0 check (attempts >= 0),
    attempts_max integer not null check (attempts_max > 0),
    failure_code text,
    decline_code text,
    provider_message text,
    provider_reference text,
    declined_reference text,
    declined_open boolean not null default false,
    authorization_reference text,
    authorization_expires_at timestamptz check (authorization_expires_at >= '1970-01-01 00:00+00' and authorization_expires_at < '3000-01-01 00:00+00'),
    next_action_url text,
    route jsonb,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (merchant_id, id),
    foreign key (merchant_id, beneficiary_id) references account,
    foreign key (merchant_id, provider_account_id) references provider_account,
    constraint payment_authorized_within_amount check (authorized between 0 and amount),
    constraint payment_captured_within_authorized check (captured between 0 and authorized),
    constraint payment_refunds_not_negative check (refunded >= 0 and refund_pending >= 0),
    constraint payment_refunds_within_captured check (refunded + refund_pending <= captured),
    constraint payment_returned_within_captured check (returned between 0 and captured),
    constraint payment_authorized_has_authorized check (status <> 'authorized' or authorized > 0),
    constraint payment_succeeded_has_captured
        check (status = 'authorized' or (status = 'succeeded') = (captured > returned)),
    constraint payment_failed_has_code
        check ((status in ('failed', 'requires_payment_method')) = (failure_code is not null)),
    constraint payment_attempts_within_limit check (attempts <= attempts_max),
    constraint payment_open_has_reference check (not declined_open or declined_reference is not null),
    constraint payment_action_has_status check (next_action_url is null or status = 'requires_action')
) with (fillfactor = 50); -- room to update a row in its page: a payment changes once or twice soon after creation

-- Finds a payment by a text that others gave it. A summary of each range of pages (a Bloom filter) costs a write much less
-- than B-trees would, and an update of these columns stays in its page. The pages of the ranges that may hold the text are read.
create index payment_by_text on payment using brin (
    reference text_bloom_ops (n_distinct_per_range = 400, false_positive_rate = 0.01),
    provider_reference text_bloom_ops (n_distinct_per_range = 400, false_positive_rate = 0.01),
    authorization_reference text_bloom_ops (n_distinct_per_range = 400, false_positive_rate = 0.01),
    customer_reference text_bloom_ops (n_distinct_per_range = 400, false_positive_rate = 0.01),
    customer_email text_bloom_ops (n_distinct_per_range = 400, false_positive_rate = 0.01)
) with (pages_per_range = 64, autosummarize = on);
-- Finds a payment by a value of its metadata. A payment without metadata is not in it, and metadata never changes.
create index payment_by_metadata on payment using gin (jsonb_path_query_array(metadata, '$.*') jsonb_path_ops)
    where metadata <> '{}';

-- A refund of a payment, full or partial. While it is pending, a hold reserves its amount on the beneficiary. A
-- refund that was made at the provider has no hold: it has already happened.
create table refund (
    merchant_id bigint not null,
    id uuid not null,
    payment_id uuid not null,
    status text not null check (status in ('pending', 'succeeded', 'failed')),
    amount bigint not null check (amount > 0),
    capture_reference text not null,
    origin text not null check (origin in ('request', 'provider')),
    hold_id uuid,
    reason text,
    metadata jsonb not null,
    failure_code text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (merchant_id, id),
    foreign key (merchant_id, payment_id) references payment,
    foreign key (merchant_id, hold_id) references hold,
    constraint refund_failed_has_code check ((status = 'failed') = (failure_code is not null)),
    constraint refund_by_request_has_hold check ((origin = 'request') = (hold_id is not null)),
    constraint refund_at_provider_has_ended check (origin = 'request' or status <> 'pending')
);
create index refund_by_payment on refund (merchant_id, payment_id, id);

-- A customer's dispute of a capture. amount may be more than was captured. Movements hold the money that it moved.
create table dispute (
    merchant_id bigint not null,
    id uuid not null,
    payment_id uuid not null,
    provider_account_id uuid not null,
    provider_reference text not null,
    capture_reference text not null,
    status text not null check (status in ('inquiry', 'closed', 'needs_response', 'under_review', 'won', 'lost')),
    amount bigint not null check (amount > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (merchant_id, id),
    unique (merchant_id, provider_account_id, provider_reference, capture_reference),
    foreign key (merchant_id, payment_id) references payment
);
create index dispute_by_payment on dispute (merchant_id, payment_id, id);

create table operation (
    merchant_id bigint not null,
    id uuid not null,
    payment_id uuid not null,
    provider_account_id uuid not null,
    kind text not null check (kind in ('authorize', 'capture', 'cancel', 'refund')),
    amount bigint not null,
    final boolean not null,
    refund_id uuid,
    capture_reference text,
    outcome text not null check (outcome in ('pending', 'succeeded', 'declined', 'failed', 'unknown')),
    failure_code text,
    decline_code text,
    provider_message text,
    reason text,
    lookups integer not null default 0,
    due_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (merchant_id, id),
    foreign key (merchant_id, payment_id) references payment,
    foreign key (merchant_id, refund_id) references refund,
    constraint operation_amount_unless_cancel check (case kind when 'cancel' then amount = 0 else amount > 0 end),
    constraint operation_refund_has_refund check ((kind = 'refund') = (refund_id is not null)),
    constraint operation_refund_has_capture check ((kind = 'refund') = (capture_reference is not null))
) with (fillfactor = 50); -- for the same reason as payment
create index operation_by_payment on operation (merchant_id, payment_id);
create index operation_due on operation (due_at) where outcome in ('pending', 'unknown');
-- Of a capture and a cancellation, only one can succeed. So the second must wait for the first one's outcome.
create unique index operation_one_at_a_time on operation (merchant_id, payment_id)
    where kind in ('capture', 'cancel') and outcome in ('pending', 'unknown');

-- A merchant's routing rules. Each change is a new version, so that every decision can be explained.
create table routing_rules (
    merchant_id bigint not null references merchant,
    version integer not null check (version > 0),
    rules jsonb not null,
    created_at timestamptz not null,
    primary key (merchant_id, version)
);

-- The route of a payment at its creation, and the reasons for it.
create table routing_decision (
    merchant_id bigint not null,
    payment_id uuid not null,
    rules_version integer not null,
    decision jsonb not null,
    decided_at timestamptz not null,
    primary key (merchant_id, payment_id),
    foreign key (merchant_id, payment_id) references payment,
    foreign key (merchant_id, rules_version) references routing_rules
);

-- Facts that were applied and moved money between a beneficiary and clearing. The primary key applies each effect once: if two different
-- events report one capture, the capture is posted once.
create table applied_effect (
    merchant_id bigint not null,
    provider_account_id uuid not null,
    kind text not null check (kind in ('captured', 'refunded', 'refund_reversed', 'capture_returned')),
    reference text not null,
    payment_id uuid not null,
    transaction_id uuid not null,
    amount bigint not null check (amount > 0),
    currency text not null,
    applied_at timestamptz not null,
    primary key (merchant_id, provider_account_id, kind, reference)
);
create index applied_effect_by_payment on applied_effect (merchant_id, payment_id);

-- The provider's books.

-- Movements: entries of a provider in its own books, as read. The key is the provider's; it makes each movement
-- one row. A row never changes, except that a report may tell its payout later. label is the provider's own name
-- of the category. A foreign key would take half of the time of an import; `groat verify` checks the reference.
create table movement (
    merchant_id bigint not null,
    provider_account_id uuid not null,
    key text collate "C" not null check (length(key) between 1 and 200),
    category text not null,
    label text not null check (length(label) between 1 and 200),
    occurred_at timestamptz not null check (occurred_at >= '1970-01-01 00:00+00' and occurred_at < '3000-01-01 00:00+00'),
    recorded_at timestamptz not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    gross bigint not null,
    fee bigint not null,
    tax bigint not null,
    source text check (length(source) <= 255),
    parent text check (length(parent) <= 255),
    payout text check (length(payout) <= 255),
    pool text not null check (pool in ('available', 'reserved')),
    fee_parts jsonb,
    primary key (merchant_id, provider_account_id, key)
);
-- Finds the movements of a day. Providers tell them about in the order of time, so few pages hold a day. A B-tree
-- that begins like the primary key would mislead the planner: without statistics it looks as good for keys.
create index movement_by_time on movement using brin (occurred_at) with (autosummarize = on);

-- Finds movements by the provider's id of their object or of their payout (see payment_by_text).
create index movement_by_text on movement using brin (
    source text_bloom_ops (n_distinct_per_range = 2000, false_positive_rate = 0.01),
    payout text_bloom_ops (n_distinct_per_range = 100, false_positive_rate = 0.01)
) with (pages_per_range = 64, autosummarize = on);

-- The places of movements. Number 1 is the posting of the movement; a movement without it was read and not
-- posted. Each further number moves the gross amount from the place before. transaction_id is null if there was
-- nothing to post. payment_id is the payment of a dispute, and borne the amount in the payment's currency that its
-- beneficiary got, negative if the dispute took it.
create table movement_attribution (
    merchant_id bigint not null,
    provider_account_id uuid not null,
    movement_key text collate "C" not null,
    number smallint not null check (number > 0),
    place text not null check (place in (
        'clearing', 'beneficiary', 'suspense', 'foreign', 'in_transit', 'reserve', 'loan', 'conversion', 'opening',
        'named', 'fees', 'twin'
    )),
    reference text,
    reason text,
    payment_id uuid,
    borne bigint,
    transaction_id uuid,
    attributed_at timestamptz not null,
    primary key (merchant_id, provider_account_id, movement_key, number),
    constraint movement_attribution_suspense_has_reason check ((place = 'suspense') = (reason is not null)),
    constraint movement_attribution_beneficiary_has_payment
        check ((place = 'beneficiary') = (payment_id is not null) and (place = 'beneficiary') = (borne is not null))
);
create index movement_attribution_suspense on movement_attribution (merchant_id, attributed_at) where place = 'suspense';
create index movement_attribution_by_payment on movement_attribution (merchant_id, payment_id)
    where place = 'beneficiary';

-- The sums of facts (told) and of movements (booked) of each object, with the ledger's sign. Clearing holds the
-- difference of an open item. An item whose sums have two currencies is not open: the provider has exchanged it.
-- parent is the charge of the object.
create table open_item (
    merchant_id bigint not null,
    provider_account_id uuid not null,
    reference text collate "C" not null check (length(reference) between 1 and 255),
    parent text collate "C" not null,
    since timestamptz not null,
    told_currency text check (told_currency ~ '^[A-Z]{3}$'),
    told bigint not null,
    booked_currency text check (booked_currency ~ '^[A-Z]{3}$'),
    booked bigint not null,
    primary key (merchant_id, provider_account_id, reference),
    constraint open_item_sums_have_currencies
        check ((told = 0 or told_currency is not null) and (booked = 0 or booked_currency is not null)),
    foreign key (merchant_id, provider_account_id) references provider_account
) with (fillfactor = 70); -- room to update a row in its page: the second report follows the first
create index open_item_by_parent on open_item (merchant_id, parent, provider_account_id);
create index open_item_open on open_item (merchant_id, since)
    where told + booked <> 0 and (told = 0 or booked = 0 or told_currency = booked_currency);

-- The progress of reading a provider's list of movements, one row for each provider account. Movements before
-- starts_at are not read. watermark is the end of the last window that was read completely. rechecked_at is when the
-- weeks before it were read again. A worker holds the row until due_at while it reads; attempts is the number of its
-- claim.
create table movement_feed (
    merchant_id bigint not null,
    provider_account_id uuid not null,
    starts_at timestamptz not null,
    watermark timestamptz not null,
    rechecked_at timestamptz not null,
    due_at timestamptz not null,
    attempts bigint not null default 0,
    reason text,
    primary key (merchant_id, provider_account_id),
    foreign key (merchant_id, provider_account_id) references provider_account
);
create index movement_feed_due on movement_feed (due_at);

-- Settlement files that were imported, each by the SHA-256 of its content.
create table settlement_file (
    merchant_id bigint not null,
    provider_account_id uuid not null,
    digest bytea not null check (length(digest) = 32),
    name text not null check (length(name) between 1 and 255),
    movements bigint not null,
    imported_at timestamptz not null,
    primary key (merchant_id, provider_account_id, digest),
    foreign key (merchant_id, provider_account_id) references provider_account
);

-- The webhook inbox.

create table provider_event (
    merchant_id bigint not null,
    id uuid not null,
    provider_account_id uuid not null,
    provider_reference text not null check (length(provider_reference) between 1 and 255),
    event_type text not null,
    transmission_id text,
    body bytea not null,
    status text not null check (status in ('pending', 'deferred', 'retrying', 'processed', 'ignored', 'superseded', 'dead')),
    reason text,
    attempts integer not null default 0,
    claimed_until timestamptz,
    attempts_lost integer not null default 0,
    failures integer not null default 0,
    failures_alike integer not null default 0,
    deliveries bigint not null default 1,
    due_at timestamptz not null,
    received_at timestamptz not null,
    settled_at timestamptz,
    primary key (merchant_id, id),
    unique (merchant_id, provider_account_id, provider_reference),
    constraint provider_event_open_until_settled check ((status in ('pending', 'deferred', 'retrying')) = (settled_at is null)),
    constraint provider_event_says_why check (status in ('pending', 'processed') or reason is not null)
) with (fillfactor = 45); -- room to update a row in its page: a claim changes no indexed column
-- The body is stored outside its row, so that an update of the row does not write it again. Compressing it costs
-- more than it saves.
alter table provider_event alter column body set storage external;
create index provider_event_due on provider_event (due_at) where settled_at is null;
create index provider_event_suspect on provider_event (due_at) where settled_at is null and attempts_lost >= 2;
create index provider_event_dead on provider_event (merchant_id, id) where status = 'dead';
create index provider_event_transmission on provider_event (merchant_id, provider_account_id, transmission_id) where transmission_id is not null;

-- Deliveries of an event after its first. They are counted in a table of their own, so that the count does not
-- wait for a worker that has locked the event.
create table provider_event_repetition (
    merchant_id bigint not null,
    provider_account_id uuid not null,
    provider_reference text not null,
    deliveries bigint not null,
    primary key (merchant_id, provider_account_id, provider_reference)
);

-- Events for merchants.

-- The number of events of each object. Its row is locked by a change that tells of the object, so the sequence of an
-- object's events is the order of their commits. The rows stay when old events are deleted.
create table event_object (
    merchant_id bigint not null,
    id uuid not null,
    sequence bigint not null check (sequence > 0),
    primary key (merchant_id, id)
) with (fillfactor = 70); -- room to update a row in its page: the second event follows the first

-- The ends of each merchant's feed: the position of the last event, and the highest position that was deleted.
create table event_feed (
    merchant_id bigint primary key references merchant,
    last_position bigint not null default 0,
    purged_position bigint not null default 0,
    constraint event_feed_ends_are_in_order check (purged_position between 0 and last_position)
);

-- Events, each with the id of the audit record of its change. An event is committed with the change, and gets its
-- position in the feed afterwards: readers see it then. data and previous are JSON, stored as sent.
create table event (
    merchant_id bigint not null,
    id uuid not null,
    position bigint,
    type text not null,
    object_id uuid not null,
    sequence bigint not null,
    created_at timestamptz not null,
    data bytea not null,
    previous bytea not null,
    primary key (merchant_id, id),
    unique (merchant_id, position),
    unique (merchant_id, object_id, sequence)
);
create index event_unplaced on event (id) where position is null;
create index event_by_time on event using brin (created_at) with (autosummarize = on);

-- A merchant's URLs that take events. types are patterns such as payment.*. The secrets sign the deliveries; they are
-- encrypted with the merchant's data key. failing_since is the first failure after the last success.
create table webhook_endpoint (
    merchant_id bigint not null references merchant,
    id uuid not null,
    url text not null check (length(url) between 1 and 2048),
    types text[] not null,
    status text not null check (status in ('enabled', 'paused', 'disabled')),
    secrets bytea not null,
    failing_since timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (merchant_id, id)
);

-- The delivery of an event to an endpoint, added with the position of the event. since is when its first attempt was due;
-- retries end a fixed time afterwards. attempts is also the fencing token of a claim.
create table delivery (
    merchant_id bigint not null,
    endpoint_id uuid not null,
    event_id uuid not null,
    object_id uuid not null,
    position bigint not null,
    status text not null default 'pending' check (status in ('pending', 'retrying', 'delivered', 'dead')),
    attempts bigint not null default 0,
    claimed_until timestamptz,
    due_at timestamptz not null default now(),
    since timestamptz not null default now(),
    created_at timestamptz not null default now(),
    settled_at timestamptz,
    primary key (merchant_id, endpoint_id, event_id),
    foreign key (merchant_id, endpoint_id) references webhook_endpoint,
    constraint delivery_open_until_settled check ((status in ('pending', 'retrying')) = (settled_at is null))
) with (fillfactor = 70); -- room to update a row in its page: a claim changes no indexed column
create index delivery_due on delivery (merchant_id, endpoint_id, due_at, position) where settled_at is null;
create index delivery_of_object on delivery (merchant_id, endpoint_id, object_id, position) where settled_at is null;

-- The log of attempts. answer holds the first bytes of the body that the endpoint answered.
create table delivery_attempt (
    merchant_id bigint not null,
    endpoint_id uuid not null,
    event_id uuid not null,
    number bigint not null,
    started_at timestamptz not null,
    latency_ms bigint not null,
    status_code integer,
    error text,
    answer bytea not null,
    primary key (merchant_id, endpoint_id, event_id, number),
    constraint delivery_attempt_has_status_or_error check ((status_code is null) <> (error is null))
);

-- The record.

-- xid is the transaction that wrote the record. The sealer reads records in the order of xid.
create table audit_record (
    merchant_id bigint not null,
    xid xid8 not null default pg_current_xact_id(),
    id uuid not null,
    object_id uuid not null,
    cause_id uuid,
    recorded_at timestamptz not null,
    body bytea not null,
    leaf_hash bytea not null check (length(leaf_hash) = 32),
    primary key (merchant_id, id)
);
create index audit_record_by_object on audit_record (merchant_id, object_id, id);
create index audit_record_by_xid on audit_record (xid);

-- The log: all audit records in the order of their sealing, as a Merkle tree (RFC 6962) with signed roots. There is
-- one log for all merchants, so its tables do not begin with merchant_id.

-- The name of the log and the progress of the sealer, which locks the row. In the order of (xid, id), every record up
-- to sealed_xid and sealed_id is sealed. server is the PostgreSQL that numbered the transactions: a dump that is
-- restored into another one meets other numbers there.
create table audit_log (
    only_one boolean primary key default true check (only_one),
    origin text not null check (length(origin) between 1 and 200),
    server text not null default '',
    sealed_xid xid8 not null default '0',
    sealed_id uuid not null default '00000000-0000-0000-0000-000000000000'
);

-- Keys that sign checkpoints (Ed25519). The private part is encrypted with a key that derives from the root key.
create table audit_key (
    id uuid primary key,
    public_key bytea not null check (length(public_key) = 32),
    private_key bytea not null,
    created_at timestamptz not null,
    retired_at timestamptz
);

-- The leaves of the tree: the place of each sealed record, and its leaf hash. Places are dense and start at 0.
create table audit_leaf (
    place bigint primary key check (place >= 0),
    merchant_id bigint not null,
    record_id uuid not null unique,
    hash bytea not null check (length(hash) = 32)
);

-- Hashes of complete subtrees: of 256 leaves (level 8), of 65,536 (level 16), and so on. The hashes between are
-- computed from these.
create table audit_node (
    level smallint not null check (level > 0 and level % 8 = 0),
    number bigint not null check (number >= 0),
    hash bytea not null check (length(hash) = 32),
    primary key (level, number)
);

-- Signed checkpoints (c2sp.org/tlog-checkpoint), one for each sealing. peaks are the hashes from which the tree grows:
-- those of its largest complete subtrees.
create table audit_checkpoint (
    size bigint primary key check (size > 0),
    peaks bytea not null,
    note text not null,
    created_at timestamptz not null
);

-- Signatures of witnesses under checkpoints (c2sp.org/tlog-cosignature), one line each.
create table audit_cosignature (
    size bigint not null,
    line text not null,
    created_at timestamptz not null,
    primary key (size, line)
);

-- Each run of `groat verify`, with its findings. size is the size of the log, or 0 if the run found a fault. The next
-- run reads the log from there on.
create table audit_verification (
    id uuid primary key,
    size bigint not null check (size >= 0),
    ok boolean not null,
    findings jsonb not null,
    started_at timestamptz not null,
    finished_at timestamptz not null
);

-- The processes of the engine. Each writes a sign of life every few seconds; nothing is decided by them.
create table engine_process (
    id uuid primary key,
    kind text not null check (kind in ('api', 'worker')),
    host text not null,
    version text not null,
    started_at timestamptz not null,
    seen_at timestamptz not null
) with (fillfactor = 50); -- room to update a row in its page

-- The content of audit records. It is null if the body does not match its leaf_hash: an altered body may not
-- even be JSON.
create view recorded_change as
select
    merchant_id, id, object_id, recorded_at, said ->> 'action' as action, said ->> 'object' as object,
    said ->> 'actor' as actor, said -> 'data' as data
from (
    select merchant_id, id, object_id, recorded_at, case
        when leaf_hash = sha256('\x00'::bytea || body) then convert_from(body, 'UTF8')::jsonb
    end as said
    from audit_record
) as records;

-- Return an id as audit records write it: a TypeID, whose digits are Crockford base 32.
create function typeid(prefix text, id uuid) returns text language plpgsql immutable parallel safe as $$
declare
    digits constant bytea := '0123456789abcdefghjkmnpqrstvwxyz';
    bits constant bit(130) := b'00' || ('x' || replace(id::text, '-', ''))::bit(128);
    suffix bytea := '00000000000000000000000000';
begin
    for place in 0..25 loop
        suffix := set_byte(suffix, place, get_byte(digits, substring(bits from 1 + 5 * place for 5)::integer));
    end loop;
    return prefix || '_' || convert_from(suffix, 'UTF8');
end
$$;

-- Rows of these tables are written once. Grants keep the application from changing them (see walls.sql).
-- Triggers keep all other users from changing them by accident.

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is written once: % is refused', tg_table_name, lower(tg_op)
        using errcode = 'restrict_violation', hint = 'Correct it with a new row that reverses the old one.';
end
$$;

-- An answer never changes, and a key with an effect is kept for 30 days.
create function refuse_loss_of_key() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.answer is null then
        return new;
    end if;
    if tg_op = 'DELETE' and (
        old.answer is null and old.object_id is null or old.created_at < now() - interval '30 days'
    ) then
        return old;
    end if;
    raise exception 'an idempotency key and its answer are kept for 30 days: % is refused', lower(tg_op)
        using errcode = 'restrict_violation';
end
$$;

create trigger kept before update or delete on idempotency_key
    for each row execute function refuse_loss_of_key();
create trigger written_once before update or delete or truncate on ledger_transaction
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on ledger_entry
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on applied_effect
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on movement_attribution
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on settlement_file
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on audit_record
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on audit_leaf
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on audit_node
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on audit_checkpoint
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on audit_cosignature
    for each statement execute function refuse_change();
create trigger written_once before update or delete or truncate on audit_verification
    for each statement execute function refuse_change();
