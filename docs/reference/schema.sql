--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: refuse_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is written once: % is refused', tg_table_name, lower(tg_op)
        using errcode = 'restrict_violation', hint = 'Correct it with a new row that reverses the old one.';
end
$$;

--
-- Name: refuse_loss_of_key(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_loss_of_key() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: typeid(text, uuid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.typeid(prefix text, id uuid) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
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

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: account; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    code text NOT NULL,
    currency text NOT NULL,
    normal_side text NOT NULL,
    is_engine boolean NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT account_code_check CHECK (((length(code) >= 1) AND (length(code) <= 200))),
    CONSTRAINT account_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT account_normal_side_check CHECK ((normal_side = ANY (ARRAY['credit'::text, 'debit'::text])))
);

--
-- Name: account_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.account ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

--
-- Name: api_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_key (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    name text,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_key_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255))),
    CONSTRAINT api_key_scopes_check CHECK (((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 100)))
);

--
-- Name: applied_effect; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.applied_effect (
    merchant_id bigint NOT NULL,
    provider_account_id uuid NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    payment_id uuid NOT NULL,
    transaction_id uuid NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    CONSTRAINT applied_effect_amount_check CHECK ((amount > 0)),
    CONSTRAINT applied_effect_kind_check CHECK ((kind = ANY (ARRAY['captured'::text, 'refunded'::text, 'refund_reversed'::text, 'capture_returned'::text])))
);

--
-- Name: audit_checkpoint; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_checkpoint (
    size bigint NOT NULL,
    peaks bytea NOT NULL,
    note text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT audit_checkpoint_size_check CHECK ((size > 0))
);

--
-- Name: audit_cosignature; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_cosignature (
    size bigint NOT NULL,
    line text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

--
-- Name: audit_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_key (
    id uuid NOT NULL,
    public_key bytea NOT NULL,
    private_key bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT audit_key_public_key_check CHECK ((length(public_key) = 32))
);

--
-- Name: audit_leaf; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_leaf (
    place bigint NOT NULL,
    merchant_id bigint NOT NULL,
    record_id uuid NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_leaf_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_leaf_place_check CHECK ((place >= 0))
);

--
-- Name: audit_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_log (
    only_one boolean DEFAULT true NOT NULL,
    origin text NOT NULL,
    server text DEFAULT ''::text NOT NULL,
    sealed_xid xid8 DEFAULT '0'::xid8 NOT NULL,
    sealed_id uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    CONSTRAINT audit_log_only_one_check CHECK (only_one),
    CONSTRAINT audit_log_origin_check CHECK (((length(origin) >= 1) AND (length(origin) <= 200)))
);

--
-- Name: audit_node; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_node (
    level smallint NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_node_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_node_level_check CHECK (((level > 0) AND (((level)::integer % 8) = 0))),
    CONSTRAINT audit_node_number_check CHECK ((number >= 0))
);

--
-- Name: audit_record; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_record (
    merchant_id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    id uuid NOT NULL,
    object_id uuid NOT NULL,
    cause_id uuid,
    recorded_at timestamp with time zone NOT NULL,
    body bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT audit_record_leaf_hash_check CHECK ((length(leaf_hash) = 32))
);

--
-- Name: audit_verification; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_verification (
    id uuid NOT NULL,
    size bigint NOT NULL,
    ok boolean NOT NULL,
    findings jsonb NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    CONSTRAINT audit_verification_size_check CHECK ((size >= 0))
);

--
-- Name: balance; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.balance (
    merchant_id bigint NOT NULL,
    account_id uuid NOT NULL,
    number bigint NOT NULL,
    posted bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    floor bigint,
    version bigint DEFAULT 0 NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    currency text NOT NULL,
    is_engine boolean NOT NULL,
    CONSTRAINT balance_above_floor CHECK (((posted - held) >= floor)),
    CONSTRAINT balance_held_not_negative CHECK ((held >= 0)),
    CONSTRAINT balance_status_check CHECK ((status = ANY (ARRAY['open'::text, 'frozen'::text, 'closed'::text])))
)
WITH (fillfactor='60');

--
-- Name: balance_watch; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.balance_watch (
    merchant_id bigint NOT NULL,
    account_id uuid NOT NULL,
    posted bigint NOT NULL,
    held bigint NOT NULL,
    version bigint NOT NULL
)
WITH (fillfactor='70');

--
-- Name: delivery; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.delivery (
    merchant_id bigint NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    object_id uuid NOT NULL,
    "position" bigint NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    claimed_until timestamp with time zone,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT delivery_open_until_settled CHECK (((status = ANY (ARRAY['pending'::text, 'retrying'::text])) = (settled_at IS NULL))),
    CONSTRAINT delivery_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'retrying'::text, 'delivered'::text, 'dead'::text])))
)
WITH (fillfactor='70');

--
-- Name: delivery_attempt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.delivery_attempt (
    merchant_id bigint NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    number bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    latency_ms bigint NOT NULL,
    status_code integer,
    error text,
    answer bytea NOT NULL,
    CONSTRAINT delivery_attempt_has_status_or_error CHECK (((status_code IS NULL) <> (error IS NULL)))
);

--
-- Name: dispute; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.dispute (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    provider_reference text NOT NULL,
    capture_reference text NOT NULL,
    status text NOT NULL,
    amount bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT dispute_amount_check CHECK ((amount > 0)),
    CONSTRAINT dispute_status_check CHECK ((status = ANY (ARRAY['inquiry'::text, 'closed'::text, 'needs_response'::text, 'under_review'::text, 'won'::text, 'lost'::text])))
);

--
-- Name: engine_process; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.engine_process (
    id uuid NOT NULL,
    kind text NOT NULL,
    host text NOT NULL,
    version text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT engine_process_kind_check CHECK ((kind = ANY (ARRAY['api'::text, 'worker'::text])))
)
WITH (fillfactor='50');

--
-- Name: event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.event (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    "position" bigint,
    type text NOT NULL,
    object_id uuid CONSTRAINT event_object_id_not_null1 NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    data bytea NOT NULL,
    previous bytea NOT NULL
);

--
-- Name: event_feed; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.event_feed (
    merchant_id bigint NOT NULL,
    last_position bigint DEFAULT 0 NOT NULL,
    purged_position bigint DEFAULT 0 NOT NULL,
    CONSTRAINT event_feed_ends_are_in_order CHECK (((purged_position >= 0) AND (purged_position <= last_position)))
);

--
-- Name: event_object; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.event_object (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT event_object_sequence_check CHECK ((sequence > 0))
)
WITH (fillfactor='70');

--
-- Name: hold; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.hold (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    request_hash bigint NOT NULL,
    reference text NOT NULL,
    amount bigint NOT NULL,
    remaining bigint NOT NULL,
    captured bigint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT hold_adds_up CHECK (((captured + remaining) <= amount)),
    CONSTRAINT hold_amount_check CHECK ((amount > 0)),
    CONSTRAINT hold_check CHECK (((remaining >= 0) AND (remaining <= amount))),
    CONSTRAINT hold_check1 CHECK (((captured >= 0) AND (captured <= amount))),
    CONSTRAINT hold_expires_at_check CHECK (((expires_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '3000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT hold_open_has_remaining CHECK (((state = 'open'::text) = (remaining > 0))),
    CONSTRAINT hold_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 255))),
    CONSTRAINT hold_state_check CHECK ((state = ANY (ARRAY['open'::text, 'captured'::text, 'released'::text, 'expired'::text])))
);

--
-- Name: idempotency_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_key (
    merchant_id bigint NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    object_kind text,
    object_id uuid,
    answer bytea,
    created_at timestamp with time zone NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_key_bound_whole CHECK (((object_kind IS NULL) = (object_id IS NULL))),
    CONSTRAINT idempotency_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255))),
    CONSTRAINT idempotency_key_object_kind_check CHECK ((object_kind = ANY (ARRAY['payment'::text, 'refund'::text]))),
    CONSTRAINT idempotency_key_route_check CHECK (((length(route) >= 1) AND (length(route) <= 255)))
);

--
-- Name: ledger_entry; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_entry (
    merchant_id bigint NOT NULL,
    account_number bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    transaction_id uuid NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    CONSTRAINT ledger_entry_amount_check CHECK ((amount <> 0))
);

--
-- Name: ledger_transaction; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_transaction (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    batch_id bigint NOT NULL,
    request_hash bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    effective_at timestamp with time zone,
    kind smallint NOT NULL,
    reference text NOT NULL,
    subject text,
    CONSTRAINT ledger_transaction_effective_at_check CHECK (((effective_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (effective_at < '3000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT ledger_transaction_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 255)))
);

--
-- Name: merchant; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.merchant (
    merchant_id bigint NOT NULL,
    name text NOT NULL,
    data_key bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT merchant_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

--
-- Name: movement; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.movement (
    merchant_id bigint NOT NULL,
    provider_account_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    category text NOT NULL,
    label text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    currency text NOT NULL,
    gross bigint NOT NULL,
    fee bigint NOT NULL,
    tax bigint NOT NULL,
    source text,
    parent text,
    payout text,
    pool text NOT NULL,
    fee_parts jsonb,
    CONSTRAINT movement_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT movement_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CONSTRAINT movement_label_check CHECK (((length(label) >= 1) AND (length(label) <= 200))),
    CONSTRAINT movement_occurred_at_check CHECK (((occurred_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (occurred_at < '3000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT movement_parent_check CHECK ((length(parent) <= 255)),
    CONSTRAINT movement_payout_check CHECK ((length(payout) <= 255)),
    CONSTRAINT movement_pool_check CHECK ((pool = ANY (ARRAY['available'::text, 'reserved'::text]))),
    CONSTRAINT movement_source_check CHECK ((length(source) <= 255))
);

--
-- Name: movement_attribution; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.movement_attribution (
    merchant_id bigint NOT NULL,
    provider_account_id uuid NOT NULL,
    movement_key text NOT NULL COLLATE pg_catalog."C",
    number smallint NOT NULL,
    place text NOT NULL,
    reference text,
    reason text,
    payment_id uuid,
    borne bigint,
    transaction_id uuid,
    attributed_at timestamp with time zone NOT NULL,
    CONSTRAINT movement_attribution_beneficiary_has_payment CHECK ((((place = 'beneficiary'::text) = (payment_id IS NOT NULL)) AND ((place = 'beneficiary'::text) = (borne IS NOT NULL)))),
    CONSTRAINT movement_attribution_number_check CHECK ((number > 0)),
    CONSTRAINT movement_attribution_place_check CHECK ((place = ANY (ARRAY['clearing'::text, 'beneficiary'::text, 'suspense'::text, 'foreign'::text, 'in_transit'::text, 'reserve'::text, 'loan'::text, 'conversion'::text, 'opening'::text, 'named'::text, 'fees'::text, 'twin'::text]))),
    CONSTRAINT movement_attribution_suspense_has_reason CHECK (((place = 'suspense'::text) = (reason IS NOT NULL)))
);

--
-- Name: movement_feed; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.movement_feed (
    merchant_id bigint NOT NULL,
    provider_account_id uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    watermark timestamp with time zone NOT NULL,
    rechecked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    reason text
);

--
-- Name: open_item; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.open_item (
    merchant_id bigint NOT NULL,
    provider_account_id uuid NOT NULL,
    reference text NOT NULL COLLATE pg_catalog."C",
    parent text NOT NULL COLLATE pg_catalog."C",
    since timestamp with time zone NOT NULL,
    told_currency text,
    told bigint NOT NULL,
    booked_currency text,
    booked bigint NOT NULL,
    CONSTRAINT open_item_booked_currency_check CHECK ((booked_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT open_item_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 255))),
    CONSTRAINT open_item_sums_have_currencies CHECK ((((told = 0) OR (told_currency IS NOT NULL)) AND ((booked = 0) OR (booked_currency IS NOT NULL)))),
    CONSTRAINT open_item_told_currency_check CHECK ((told_currency ~ '^[A-Z]{3}$'::text))
)
WITH (fillfactor='70');

--
-- Name: operation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operation (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL,
    final boolean NOT NULL,
    refund_id uuid,
    capture_reference text,
    outcome text NOT NULL,
    failure_code text,
    decline_code text,
    provider_message text,
    reason text,
    lookups integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT operation_amount_unless_cancel CHECK (
CASE kind
    WHEN 'cancel'::text THEN (amount = 0)
    ELSE (amount > 0)
END),
    CONSTRAINT operation_kind_check CHECK ((kind = ANY (ARRAY['authorize'::text, 'capture'::text, 'cancel'::text, 'refund'::text]))),
    CONSTRAINT operation_outcome_check CHECK ((outcome = ANY (ARRAY['pending'::text, 'succeeded'::text, 'declined'::text, 'failed'::text, 'unknown'::text]))),
    CONSTRAINT operation_refund_has_capture CHECK (((kind = 'refund'::text) = (capture_reference IS NOT NULL))),
    CONSTRAINT operation_refund_has_refund CHECK (((kind = 'refund'::text) = (refund_id IS NOT NULL)))
)
WITH (fillfactor='50');

--
-- Name: payment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payment (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    authorized bigint DEFAULT 0 NOT NULL,
    captured bigint DEFAULT 0 NOT NULL,
    refunded bigint DEFAULT 0 NOT NULL,
    refund_pending bigint DEFAULT 0 NOT NULL,
    returned bigint DEFAULT 0 NOT NULL,
    in_dispute bigint DEFAULT 0 NOT NULL,
    owed bigint DEFAULT 0 NOT NULL,
    beneficiary_id uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    payment_method text,
    payment_method_kind text,
    capture_method text NOT NULL,
    return_url text,
    reference text,
    customer_reference text,
    customer_email text,
    description text,
    statement_descriptor text,
    metadata jsonb NOT NULL,
    provider_metadata text[] NOT NULL,
    salt uuid NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    attempts_max integer NOT NULL,
    failure_code text,
    decline_code text,
    provider_message text,
    provider_reference text,
    declined_reference text,
    declined_open boolean DEFAULT false NOT NULL,
    authorization_reference text,
    authorization_expires_at timestamp with time zone,
    next_action_url text,
    route jsonb,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT payment_action_has_status CHECK (((next_action_url IS NULL) OR (status = 'requires_action'::text))),
    CONSTRAINT payment_amount_check CHECK ((amount > 0)),
    CONSTRAINT payment_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT payment_attempts_max_check CHECK ((attempts_max > 0)),
    CONSTRAINT payment_attempts_within_limit CHECK ((attempts <= attempts_max)),
    CONSTRAINT payment_authorization_expires_at_check CHECK (((authorization_expires_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (authorization_expires_at < '3000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT payment_authorized_has_authorized CHECK (((status <> 'authorized'::text) OR (authorized > 0))),
    CONSTRAINT payment_authorized_within_amount CHECK (((authorized >= 0) AND (authorized <= amount))),
    CONSTRAINT payment_capture_method_check CHECK ((capture_method = ANY (ARRAY['automatic'::text, 'manual'::text]))),
    CONSTRAINT payment_captured_within_authorized CHECK (((captured >= 0) AND (captured <= authorized))),
    CONSTRAINT payment_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT payment_failed_has_code CHECK (((status = ANY (ARRAY['failed'::text, 'requires_payment_method'::text])) = (failure_code IS NOT NULL))),
    CONSTRAINT payment_in_dispute_check CHECK ((in_dispute >= 0)),
    CONSTRAINT payment_open_has_reference CHECK (((NOT declined_open) OR (declined_reference IS NOT NULL))),
    CONSTRAINT payment_owed_check CHECK ((owed >= 0)),
    CONSTRAINT payment_refunds_not_negative CHECK (((refunded >= 0) AND (refund_pending >= 0))),
    CONSTRAINT payment_refunds_within_captured CHECK (((refunded + refund_pending) <= captured)),
    CONSTRAINT payment_returned_within_captured CHECK (((returned >= 0) AND (returned <= captured))),
    CONSTRAINT payment_status_check CHECK ((status = ANY (ARRAY['created'::text, 'processing'::text, 'requires_action'::text, 'requires_payment_method'::text, 'authorized'::text, 'succeeded'::text, 'canceled'::text, 'expired'::text, 'failed'::text]))),
    CONSTRAINT payment_succeeded_has_captured CHECK (((status = 'authorized'::text) OR ((status = 'succeeded'::text) = (captured > returned))))
)
WITH (fillfactor='50');

--
-- Name: provider_account; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_account (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    provider text NOT NULL,
    name text NOT NULL,
    credentials bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT provider_account_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT provider_account_provider_check CHECK (((length(provider) >= 1) AND (length(provider) <= 100)))
);

--
-- Name: provider_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_event (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    provider_reference text NOT NULL,
    event_type text NOT NULL,
    transmission_id text,
    body bytea NOT NULL,
    status text NOT NULL,
    reason text,
    attempts integer DEFAULT 0 NOT NULL,
    claimed_until timestamp with time zone,
    attempts_lost integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failures_alike integer DEFAULT 0 NOT NULL,
    deliveries bigint DEFAULT 1 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT provider_event_open_until_settled CHECK (((status = ANY (ARRAY['pending'::text, 'deferred'::text, 'retrying'::text])) = (settled_at IS NULL))),
    CONSTRAINT provider_event_provider_reference_check CHECK (((length(provider_reference) >= 1) AND (length(provider_reference) <= 255))),
    CONSTRAINT provider_event_says_why CHECK (((status = ANY (ARRAY['pending'::text, 'processed'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT provider_event_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'deferred'::text, 'retrying'::text, 'processed'::text, 'ignored'::text, 'superseded'::text, 'dead'::text])))
)
WITH (fillfactor='45');
ALTER TABLE ONLY public.provider_event ALTER COLUMN body SET STORAGE EXTERNAL;

--
-- Name: provider_event_repetition; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_event_repetition (
    merchant_id bigint NOT NULL,
    provider_account_id uuid NOT NULL,
    provider_reference text NOT NULL,
    deliveries bigint NOT NULL
);

--
-- Name: recorded_change; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.recorded_change AS
 SELECT merchant_id,
    id,
    object_id,
    recorded_at,
    (said ->> 'action'::text) AS action,
    (said ->> 'object'::text) AS object,
    (said ->> 'actor'::text) AS actor,
    (said -> 'data'::text) AS data
   FROM ( SELECT audit_record.merchant_id,
            audit_record.id,
            audit_record.object_id,
            audit_record.recorded_at,
                CASE
                    WHEN (audit_record.leaf_hash = sha256(('\x00'::bytea || audit_record.body))) THEN (convert_from(audit_record.body, 'UTF8'::name))::jsonb
                    ELSE NULL::jsonb
                END AS said
           FROM public.audit_record) records;

--
-- Name: refund; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refund (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    status text NOT NULL,
    amount bigint NOT NULL,
    capture_reference text NOT NULL,
    origin text NOT NULL,
    hold_id uuid,
    reason text,
    metadata jsonb NOT NULL,
    failure_code text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT refund_amount_check CHECK ((amount > 0)),
    CONSTRAINT refund_at_provider_has_ended CHECK (((origin = 'request'::text) OR (status <> 'pending'::text))),
    CONSTRAINT refund_by_request_has_hold CHECK (((origin = 'request'::text) = (hold_id IS NOT NULL))),
    CONSTRAINT refund_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
    CONSTRAINT refund_origin_check CHECK ((origin = ANY (ARRAY['request'::text, 'provider'::text]))),
    CONSTRAINT refund_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text])))
);

--
-- Name: root_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.root_key (
    only_one boolean DEFAULT true NOT NULL,
    wrapped bytea NOT NULL,
    CONSTRAINT root_key_only_one_check CHECK (only_one)
);

--
-- Name: routing_decision; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.routing_decision (
    merchant_id bigint NOT NULL,
    payment_id uuid NOT NULL,
    rules_version integer NOT NULL,
    decision jsonb NOT NULL,
    decided_at timestamp with time zone NOT NULL
);

--
-- Name: routing_rules; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.routing_rules (
    merchant_id bigint NOT NULL,
    version integer NOT NULL,
    rules jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT routing_rules_version_check CHECK ((version > 0))
);

--
-- Name: settlement_file; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.settlement_file (
    merchant_id bigint NOT NULL,
    provider_account_id uuid NOT NULL,
    digest bytea NOT NULL,
    name text NOT NULL,
    movements bigint NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    CONSTRAINT settlement_file_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT settlement_file_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255)))
);

--
-- Name: webhook_endpoint; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_endpoint (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    url text NOT NULL,
    types text[] NOT NULL,
    status text NOT NULL,
    secrets bytea NOT NULL,
    failing_since timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT webhook_endpoint_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'paused'::text, 'disabled'::text]))),
    CONSTRAINT webhook_endpoint_url_check CHECK (((length(url) >= 1) AND (length(url) <= 2048)))
);

--
-- Name: account account_merchant_id_code_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_merchant_id_code_key UNIQUE (merchant_id, code);

--
-- Name: account account_merchant_id_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_merchant_id_number_key UNIQUE (merchant_id, number);

--
-- Name: account account_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

--
-- Name: api_key api_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: applied_effect applied_effect_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.applied_effect
    ADD CONSTRAINT applied_effect_pkey PRIMARY KEY (merchant_id, provider_account_id, kind, reference);

--
-- Name: audit_checkpoint audit_checkpoint_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_checkpoint
    ADD CONSTRAINT audit_checkpoint_pkey PRIMARY KEY (size);

--
-- Name: audit_cosignature audit_cosignature_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_cosignature
    ADD CONSTRAINT audit_cosignature_pkey PRIMARY KEY (size, line);

--
-- Name: audit_key audit_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_key
    ADD CONSTRAINT audit_key_pkey PRIMARY KEY (id);

--
-- Name: audit_leaf audit_leaf_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_leaf
    ADD CONSTRAINT audit_leaf_pkey PRIMARY KEY (place);

--
-- Name: audit_leaf audit_leaf_record_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_leaf
    ADD CONSTRAINT audit_leaf_record_id_key UNIQUE (record_id);

--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (only_one);

--
-- Name: audit_node audit_node_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_node
    ADD CONSTRAINT audit_node_pkey PRIMARY KEY (level, number);

--
-- Name: audit_record audit_record_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_record
    ADD CONSTRAINT audit_record_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: audit_verification audit_verification_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_verification
    ADD CONSTRAINT audit_verification_pkey PRIMARY KEY (id);

--
-- Name: balance balance_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (merchant_id, account_id);

--
-- Name: balance_watch balance_watch_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.balance_watch
    ADD CONSTRAINT balance_watch_pkey PRIMARY KEY (merchant_id, account_id);

--
-- Name: delivery_attempt delivery_attempt_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.delivery_attempt
    ADD CONSTRAINT delivery_attempt_pkey PRIMARY KEY (merchant_id, endpoint_id, event_id, number);

--
-- Name: delivery delivery_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (merchant_id, endpoint_id, event_id);

--
-- Name: dispute dispute_merchant_id_provider_account_id_provider_reference__key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dispute
    ADD CONSTRAINT dispute_merchant_id_provider_account_id_provider_reference__key UNIQUE (merchant_id, provider_account_id, provider_reference, capture_reference);

--
-- Name: dispute dispute_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dispute
    ADD CONSTRAINT dispute_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: engine_process engine_process_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.engine_process
    ADD CONSTRAINT engine_process_pkey PRIMARY KEY (id);

--
-- Name: event_feed event_feed_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event_feed
    ADD CONSTRAINT event_feed_pkey PRIMARY KEY (merchant_id);

--
-- Name: event event_merchant_id_object_id_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_merchant_id_object_id_sequence_key UNIQUE (merchant_id, object_id, sequence);

--
-- Name: event event_merchant_id_position_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_merchant_id_position_key UNIQUE (merchant_id, "position");

--
-- Name: event_object event_object_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event_object
    ADD CONSTRAINT event_object_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: event event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: hold hold_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: idempotency_key idempotency_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (merchant_id, key, route);

--
-- Name: ledger_entry ledger_entry_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (merchant_id, account_number, recorded_at);

--
-- Name: ledger_transaction ledger_transaction_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_transaction
    ADD CONSTRAINT ledger_transaction_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: merchant merchant_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.merchant
    ADD CONSTRAINT merchant_pkey PRIMARY KEY (merchant_id);

--
-- Name: movement_attribution movement_attribution_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.movement_attribution
    ADD CONSTRAINT movement_attribution_pkey PRIMARY KEY (merchant_id, provider_account_id, movement_key, number);

--
-- Name: movement_feed movement_feed_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.movement_feed
    ADD CONSTRAINT movement_feed_pkey PRIMARY KEY (merchant_id, provider_account_id);

--
-- Name: movement movement_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.movement
    ADD CONSTRAINT movement_pkey PRIMARY KEY (merchant_id, provider_account_id, key);

--
-- Name: open_item open_item_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.open_item
    ADD CONSTRAINT open_item_pkey PRIMARY KEY (merchant_id, provider_account_id, reference);

--
-- Name: operation operation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: payment payment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: provider_account provider_account_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_account
    ADD CONSTRAINT provider_account_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: provider_event provider_event_merchant_id_provider_account_id_provider_ref_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_event
    ADD CONSTRAINT provider_event_merchant_id_provider_account_id_provider_ref_key UNIQUE (merchant_id, provider_account_id, provider_reference);

--
-- Name: provider_event provider_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_event
    ADD CONSTRAINT provider_event_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: provider_event_repetition provider_event_repetition_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_event_repetition
    ADD CONSTRAINT provider_event_repetition_pkey PRIMARY KEY (merchant_id, provider_account_id, provider_reference);

--
-- Name: refund refund_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: root_key root_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.root_key
    ADD CONSTRAINT root_key_pkey PRIMARY KEY (only_one);

--
-- Name: routing_decision routing_decision_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.routing_decision
    ADD CONSTRAINT routing_decision_pkey PRIMARY KEY (merchant_id, payment_id);

--
-- Name: routing_rules routing_rules_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.routing_rules
    ADD CONSTRAINT routing_rules_pkey PRIMARY KEY (merchant_id, version);

--
-- Name: settlement_file settlement_file_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settlement_file
    ADD CONSTRAINT settlement_file_pkey PRIMARY KEY (merchant_id, provider_account_id, digest);

--
-- Name: webhook_endpoint webhook_endpoint_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_endpoint
    ADD CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: applied_effect_by_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX applied_effect_by_payment ON public.applied_effect USING btree (merchant_id, payment_id);

--
-- Name: audit_record_by_object; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_record_by_object ON public.audit_record USING btree (merchant_id, object_id, id);

--
-- Name: audit_record_by_xid; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_record_by_xid ON public.audit_record USING btree (xid);

--
-- Name: delivery_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX delivery_due ON public.delivery USING btree (merchant_id, endpoint_id, due_at, "position") WHERE (settled_at IS NULL);

--
-- Name: delivery_of_object; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX delivery_of_object ON public.delivery USING btree (merchant_id, endpoint_id, object_id, "position") WHERE (settled_at IS NULL);

--
-- Name: dispute_by_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX dispute_by_payment ON public.dispute USING btree (merchant_id, payment_id, id);

--
-- Name: event_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_by_time ON public.event USING brin (created_at) WITH (autosummarize='on');

--
-- Name: event_unplaced; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_unplaced ON public.event USING btree (id) WHERE ("position" IS NULL);

--
-- Name: hold_by_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hold_by_account ON public.hold USING btree (merchant_id, account_id, created_at, id);

--
-- Name: hold_expiring; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hold_expiring ON public.hold USING btree (expires_at) WHERE (state = 'open'::text);

--
-- Name: idempotency_key_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_key_created ON public.idempotency_key USING btree (created_at);

--
-- Name: ledger_entry_recorded; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_entry_recorded ON public.ledger_entry USING brin (recorded_at) WITH (autosummarize='on');

--
-- Name: ledger_transaction_effective; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_transaction_effective ON public.ledger_transaction USING btree (merchant_id, effective_at) WHERE (effective_at IS NOT NULL);

--
-- Name: movement_attribution_by_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX movement_attribution_by_payment ON public.movement_attribution USING btree (merchant_id, payment_id) WHERE (place = 'beneficiary'::text);

--
-- Name: movement_attribution_suspense; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX movement_attribution_suspense ON public.movement_attribution USING btree (merchant_id, attributed_at) WHERE (place = 'suspense'::text);

--
-- Name: movement_by_text; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX movement_by_text ON public.movement USING brin (source text_bloom_ops (n_distinct_per_range='2000', false_positive_rate='0.01'), payout text_bloom_ops (n_distinct_per_range='100', false_positive_rate='0.01')) WITH (pages_per_range='64', autosummarize='on');

--
-- Name: movement_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX movement_by_time ON public.movement USING brin (occurred_at) WITH (autosummarize='on');

--
-- Name: movement_feed_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX movement_feed_due ON public.movement_feed USING btree (due_at);

--
-- Name: open_item_by_parent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX open_item_by_parent ON public.open_item USING btree (merchant_id, parent, provider_account_id);

--
-- Name: open_item_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX open_item_open ON public.open_item USING btree (merchant_id, since) WHERE (((told + booked) <> 0) AND ((told = 0) OR (booked = 0) OR (told_currency = booked_currency)));

--
-- Name: operation_by_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operation_by_payment ON public.operation USING btree (merchant_id, payment_id);

--
-- Name: operation_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operation_due ON public.operation USING btree (due_at) WHERE (outcome = ANY (ARRAY['pending'::text, 'unknown'::text]));

--
-- Name: operation_one_at_a_time; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX operation_one_at_a_time ON public.operation USING btree (merchant_id, payment_id) WHERE ((kind = ANY (ARRAY['capture'::text, 'cancel'::text])) AND (outcome = ANY (ARRAY['pending'::text, 'unknown'::text])));

--
-- Name: payment_by_metadata; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payment_by_metadata ON public.payment USING gin (jsonb_path_query_array(metadata, '$.*'::jsonpath) jsonb_path_ops) WHERE (metadata <> '{}'::jsonb);

--
-- Name: payment_by_text; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payment_by_text ON public.payment USING brin (reference text_bloom_ops (n_distinct_per_range='400', false_positive_rate='0.01'), provider_reference text_bloom_ops (n_distinct_per_range='400', false_positive_rate='0.01'), authorization_reference text_bloom_ops (n_distinct_per_range='400', false_positive_rate='0.01'), customer_reference text_bloom_ops (n_distinct_per_range='400', false_positive_rate='0.01'), customer_email text_bloom_ops (n_distinct_per_range='400', false_positive_rate='0.01')) WITH (pages_per_range='64', autosummarize='on');

--
-- Name: provider_account_name; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX provider_account_name ON public.provider_account USING btree (merchant_id, name) WHERE (deleted_at IS NULL);

--
-- Name: provider_event_dead; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX provider_event_dead ON public.provider_event USING btree (merchant_id, id) WHERE (status = 'dead'::text);

--
-- Name: provider_event_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX provider_event_due ON public.provider_event USING btree (due_at) WHERE (settled_at IS NULL);

--
-- Name: provider_event_suspect; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX provider_event_suspect ON public.provider_event USING btree (due_at) WHERE ((settled_at IS NULL) AND (attempts_lost >= 2));

--
-- Name: provider_event_transmission; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX provider_event_transmission ON public.provider_event USING btree (merchant_id, provider_account_id, transmission_id) WHERE (transmission_id IS NOT NULL);

--
-- Name: refund_by_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refund_by_payment ON public.refund USING btree (merchant_id, payment_id, id);

--
-- Name: idempotency_key kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER kept BEFORE DELETE OR UPDATE ON public.idempotency_key FOR EACH ROW EXECUTE FUNCTION public.refuse_loss_of_key();

--
-- Name: applied_effect written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.applied_effect FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_checkpoint written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_cosignature written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_cosignature FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_leaf written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_node written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_node FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_record written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_record FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_verification written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_verification FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_entry written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_transaction written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_transaction FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: movement_attribution written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.movement_attribution FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: settlement_file written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.settlement_file FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: account account_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: api_key api_key_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: balance balance_merchant_id_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_merchant_id_account_id_fkey FOREIGN KEY (merchant_id, account_id) REFERENCES public.account(merchant_id, id);

--
-- Name: balance_watch balance_watch_merchant_id_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.balance_watch
    ADD CONSTRAINT balance_watch_merchant_id_account_id_fkey FOREIGN KEY (merchant_id, account_id) REFERENCES public.account(merchant_id, id);

--
-- Name: delivery delivery_merchant_id_endpoint_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_merchant_id_endpoint_id_fkey FOREIGN KEY (merchant_id, endpoint_id) REFERENCES public.webhook_endpoint(merchant_id, id);

--
-- Name: dispute dispute_merchant_id_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dispute
    ADD CONSTRAINT dispute_merchant_id_payment_id_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES public.payment(merchant_id, id);

--
-- Name: event_feed event_feed_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event_feed
    ADD CONSTRAINT event_feed_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: hold hold_merchant_id_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_merchant_id_account_id_fkey FOREIGN KEY (merchant_id, account_id) REFERENCES public.account(merchant_id, id);

--
-- Name: idempotency_key idempotency_key_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: movement_feed movement_feed_merchant_id_provider_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.movement_feed
    ADD CONSTRAINT movement_feed_merchant_id_provider_account_id_fkey FOREIGN KEY (merchant_id, provider_account_id) REFERENCES public.provider_account(merchant_id, id);

--
-- Name: open_item open_item_merchant_id_provider_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.open_item
    ADD CONSTRAINT open_item_merchant_id_provider_account_id_fkey FOREIGN KEY (merchant_id, provider_account_id) REFERENCES public.provider_account(merchant_id, id);

--
-- Name: operation operation_merchant_id_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_merchant_id_payment_id_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES public.payment(merchant_id, id);

--
-- Name: operation operation_merchant_id_refund_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_merchant_id_refund_id_fkey FOREIGN KEY (merchant_id, refund_id) REFERENCES public.refund(merchant_id, id);

--
-- Name: payment payment_merchant_id_beneficiary_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_merchant_id_beneficiary_id_fkey FOREIGN KEY (merchant_id, beneficiary_id) REFERENCES public.account(merchant_id, id);

--
-- Name: payment payment_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: payment payment_merchant_id_provider_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_merchant_id_provider_account_id_fkey FOREIGN KEY (merchant_id, provider_account_id) REFERENCES public.provider_account(merchant_id, id);

--
-- Name: provider_account provider_account_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_account
    ADD CONSTRAINT provider_account_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: refund refund_merchant_id_hold_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_merchant_id_hold_id_fkey FOREIGN KEY (merchant_id, hold_id) REFERENCES public.hold(merchant_id, id);

--
-- Name: refund refund_merchant_id_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_merchant_id_payment_id_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES public.payment(merchant_id, id);

--
-- Name: routing_decision routing_decision_merchant_id_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.routing_decision
    ADD CONSTRAINT routing_decision_merchant_id_payment_id_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES public.payment(merchant_id, id);

--
-- Name: routing_decision routing_decision_merchant_id_rules_version_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.routing_decision
    ADD CONSTRAINT routing_decision_merchant_id_rules_version_fkey FOREIGN KEY (merchant_id, rules_version) REFERENCES public.routing_rules(merchant_id, version);

--
-- Name: routing_rules routing_rules_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.routing_rules
    ADD CONSTRAINT routing_rules_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: settlement_file settlement_file_merchant_id_provider_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settlement_file
    ADD CONSTRAINT settlement_file_merchant_id_provider_account_id_fkey FOREIGN KEY (merchant_id, provider_account_id) REFERENCES public.provider_account(merchant_id, id);

--
-- Name: webhook_endpoint webhook_endpoint_merchant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_endpoint
    ADD CONSTRAINT webhook_endpoint_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES public.merchant(merchant_id);

--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA public TO groat_app;

--
-- Name: TABLE account; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.account TO groat_app;

--
-- Name: COLUMN account.metadata; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(metadata) ON TABLE public.account TO groat_app;

--
-- Name: TABLE alembic_version; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.alembic_version TO groat_app;

--
-- Name: TABLE api_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.api_key TO groat_app;

--
-- Name: COLUMN api_key.last_used_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(last_used_at) ON TABLE public.api_key TO groat_app;

--
-- Name: COLUMN api_key.expires_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(expires_at) ON TABLE public.api_key TO groat_app;

--
-- Name: COLUMN api_key.revoked_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(revoked_at) ON TABLE public.api_key TO groat_app;

--
-- Name: TABLE applied_effect; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.applied_effect TO groat_app;

--
-- Name: TABLE audit_checkpoint; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_checkpoint TO groat_app;

--
-- Name: TABLE audit_cosignature; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_cosignature TO groat_app;

--
-- Name: TABLE audit_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_key TO groat_app;

--
-- Name: COLUMN audit_key.retired_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(retired_at) ON TABLE public.audit_key TO groat_app;

--
-- Name: TABLE audit_leaf; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_leaf TO groat_app;

--
-- Name: TABLE audit_log; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_log TO groat_app;

--
-- Name: COLUMN audit_log.server; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(server) ON TABLE public.audit_log TO groat_app;

--
-- Name: COLUMN audit_log.sealed_xid; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(sealed_xid) ON TABLE public.audit_log TO groat_app;

--
-- Name: COLUMN audit_log.sealed_id; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(sealed_id) ON TABLE public.audit_log TO groat_app;

--
-- Name: TABLE audit_node; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_node TO groat_app;

--
-- Name: TABLE audit_record; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_record TO groat_app;

--
-- Name: TABLE audit_verification; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_verification TO groat_app;

--
-- Name: TABLE balance; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.balance TO groat_app;

--
-- Name: COLUMN balance.posted; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(posted) ON TABLE public.balance TO groat_app;

--
-- Name: COLUMN balance.held; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(held) ON TABLE public.balance TO groat_app;

--
-- Name: COLUMN balance.version; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(version) ON TABLE public.balance TO groat_app;

--
-- Name: COLUMN balance.recorded_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(recorded_at) ON TABLE public.balance TO groat_app;

--
-- Name: COLUMN balance.status; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(status) ON TABLE public.balance TO groat_app;

--
-- Name: TABLE balance_watch; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.balance_watch TO groat_app;

--
-- Name: COLUMN balance_watch.posted; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(posted) ON TABLE public.balance_watch TO groat_app;

--
-- Name: COLUMN balance_watch.held; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(held) ON TABLE public.balance_watch TO groat_app;

--
-- Name: COLUMN balance_watch.version; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(version) ON TABLE public.balance_watch TO groat_app;

--
-- Name: TABLE delivery; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.delivery TO groat_app;

--
-- Name: COLUMN delivery.status; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(status) ON TABLE public.delivery TO groat_app;

--
-- Name: COLUMN delivery.attempts; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(attempts) ON TABLE public.delivery TO groat_app;

--
-- Name: COLUMN delivery.claimed_until; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(claimed_until) ON TABLE public.delivery TO groat_app;

--
-- Name: COLUMN delivery.due_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(due_at) ON TABLE public.delivery TO groat_app;

--
-- Name: COLUMN delivery.since; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(since) ON TABLE public.delivery TO groat_app;

--
-- Name: COLUMN delivery.settled_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(settled_at) ON TABLE public.delivery TO groat_app;

--
-- Name: TABLE delivery_attempt; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.delivery_attempt TO groat_app;

--
-- Name: TABLE dispute; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.dispute TO groat_app;

--
-- Name: COLUMN dispute.status; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(status) ON TABLE public.dispute TO groat_app;

--
-- Name: COLUMN dispute.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.dispute TO groat_app;

--
-- Name: TABLE engine_process; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.engine_process TO groat_app;

--
-- Name: COLUMN engine_process.seen_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(seen_at) ON TABLE public.engine_process TO groat_app;

--
-- Name: TABLE event; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.event TO groat_app;

--
-- Name: COLUMN event."position"; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE("position") ON TABLE public.event TO groat_app;

--
-- Name: TABLE event_feed; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.event_feed TO groat_app;

--
-- Name: COLUMN event_feed.last_position; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(last_position) ON TABLE public.event_feed TO groat_app;

--
-- Name: COLUMN event_feed.purged_position; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(purged_position) ON TABLE public.event_feed TO groat_app;

--
-- Name: TABLE event_object; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.event_object TO groat_app;

--
-- Name: COLUMN event_object.sequence; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(sequence) ON TABLE public.event_object TO groat_app;

--
-- Name: TABLE hold; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.hold TO groat_app;

--
-- Name: COLUMN hold.remaining; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(remaining) ON TABLE public.hold TO groat_app;

--
-- Name: COLUMN hold.captured; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(captured) ON TABLE public.hold TO groat_app;

--
-- Name: COLUMN hold.state; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(state) ON TABLE public.hold TO groat_app;

--
-- Name: TABLE idempotency_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.idempotency_key TO groat_app;

--
-- Name: COLUMN idempotency_key.answer; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(answer) ON TABLE public.idempotency_key TO groat_app;

--
-- Name: COLUMN idempotency_key.claimed_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(claimed_at) ON TABLE public.idempotency_key TO groat_app;

--
-- Name: TABLE ledger_entry; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.ledger_entry TO groat_app;

--
-- Name: TABLE ledger_transaction; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.ledger_transaction TO groat_app;

--
-- Name: TABLE merchant; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.merchant TO groat_app;

--
-- Name: COLUMN merchant.data_key; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(data_key) ON TABLE public.merchant TO groat_app;

--
-- Name: TABLE movement; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.movement TO groat_app;

--
-- Name: COLUMN movement.payout; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(payout) ON TABLE public.movement TO groat_app;

--
-- Name: TABLE movement_attribution; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.movement_attribution TO groat_app;

--
-- Name: TABLE movement_feed; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.movement_feed TO groat_app;

--
-- Name: COLUMN movement_feed.watermark; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(watermark) ON TABLE public.movement_feed TO groat_app;

--
-- Name: COLUMN movement_feed.rechecked_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(rechecked_at) ON TABLE public.movement_feed TO groat_app;

--
-- Name: COLUMN movement_feed.due_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(due_at) ON TABLE public.movement_feed TO groat_app;

--
-- Name: COLUMN movement_feed.attempts; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(attempts) ON TABLE public.movement_feed TO groat_app;

--
-- Name: COLUMN movement_feed.reason; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(reason) ON TABLE public.movement_feed TO groat_app;

--
-- Name: TABLE open_item; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.open_item TO groat_app;

--
-- Name: COLUMN open_item.parent; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(parent) ON TABLE public.open_item TO groat_app;

--
-- Name: COLUMN open_item.told_currency; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(told_currency) ON TABLE public.open_item TO groat_app;

--
-- Name: COLUMN open_item.told; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(told) ON TABLE public.open_item TO groat_app;

--
-- Name: COLUMN open_item.booked_currency; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(booked_currency) ON TABLE public.open_item TO groat_app;

--
-- Name: COLUMN open_item.booked; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(booked) ON TABLE public.open_item TO groat_app;

--
-- Name: TABLE operation; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.outcome; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(outcome) ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.failure_code; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(failure_code) ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.decline_code; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(decline_code) ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.provider_message; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(provider_message) ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.reason; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(reason) ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.lookups; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(lookups) ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.due_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(due_at) ON TABLE public.operation TO groat_app;

--
-- Name: COLUMN operation.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.operation TO groat_app;

--
-- Name: TABLE payment; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.status; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(status) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.authorized; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(authorized) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.captured; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(captured) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.refunded; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(refunded) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.refund_pending; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(refund_pending) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.returned; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(returned) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.in_dispute; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(in_dispute) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.owed; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(owed) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.provider_account_id; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(provider_account_id) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.payment_method; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(payment_method) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.attempts; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(attempts) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.failure_code; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(failure_code) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.decline_code; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(decline_code) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.provider_message; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(provider_message) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.provider_reference; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(provider_reference) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.declined_reference; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(declined_reference) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.declined_open; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(declined_open) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.authorization_reference; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(authorization_reference) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.authorization_expires_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(authorization_expires_at) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.next_action_url; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(next_action_url) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.route; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(route) ON TABLE public.payment TO groat_app;

--
-- Name: COLUMN payment.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.payment TO groat_app;

--
-- Name: TABLE provider_account; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.provider_account TO groat_app;

--
-- Name: COLUMN provider_account.credentials; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(credentials) ON TABLE public.provider_account TO groat_app;

--
-- Name: COLUMN provider_account.deleted_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(deleted_at) ON TABLE public.provider_account TO groat_app;

--
-- Name: TABLE provider_event; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.status; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(status) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.reason; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(reason) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.attempts; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(attempts) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.claimed_until; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(claimed_until) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.attempts_lost; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(attempts_lost) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.failures; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(failures) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.failures_alike; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(failures_alike) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.due_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(due_at) ON TABLE public.provider_event TO groat_app;

--
-- Name: COLUMN provider_event.settled_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(settled_at) ON TABLE public.provider_event TO groat_app;

--
-- Name: TABLE provider_event_repetition; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.provider_event_repetition TO groat_app;

--
-- Name: COLUMN provider_event_repetition.deliveries; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(deliveries) ON TABLE public.provider_event_repetition TO groat_app;

--
-- Name: TABLE recorded_change; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.recorded_change TO groat_app;

--
-- Name: TABLE refund; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.refund TO groat_app;

--
-- Name: COLUMN refund.status; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(status) ON TABLE public.refund TO groat_app;

--
-- Name: COLUMN refund.failure_code; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(failure_code) ON TABLE public.refund TO groat_app;

--
-- Name: COLUMN refund.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.refund TO groat_app;

--
-- Name: TABLE root_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.root_key TO groat_app;

--
-- Name: COLUMN root_key.wrapped; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(wrapped) ON TABLE public.root_key TO groat_app;

--
-- Name: TABLE routing_decision; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.routing_decision TO groat_app;

--
-- Name: TABLE routing_rules; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.routing_rules TO groat_app;

--
-- Name: TABLE settlement_file; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.settlement_file TO groat_app;

--
-- Name: TABLE webhook_endpoint; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.webhook_endpoint TO groat_app;

--
-- Name: COLUMN webhook_endpoint.url; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(url) ON TABLE public.webhook_endpoint TO groat_app;

--
-- Name: COLUMN webhook_endpoint.types; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(types) ON TABLE public.webhook_endpoint TO groat_app;

--
-- Name: COLUMN webhook_endpoint.status; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(status) ON TABLE public.webhook_endpoint TO groat_app;

--
-- Name: COLUMN webhook_endpoint.secrets; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(secrets) ON TABLE public.webhook_endpoint TO groat_app;

--
-- Name: COLUMN webhook_endpoint.failing_since; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(failing_since) ON TABLE public.webhook_endpoint TO groat_app;

--
-- Name: COLUMN webhook_endpoint.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.webhook_endpoint TO groat_app;

--
-- PostgreSQL database dump complete
--
