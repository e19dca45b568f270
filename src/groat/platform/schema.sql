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
-- Name: transaction_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.transaction_kind AS ENUM (
    'transfer',
    'reversal',
    'hold.captured',
    'payment.captured'
);

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
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
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
    applied_at timestamp with time zone NOT NULL,
    CONSTRAINT applied_effect_amount_check CHECK ((amount > 0)),
    CONSTRAINT applied_effect_kind_check CHECK ((kind = 'captured'::text))
);

--
-- Name: audit_record; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_record (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    object_id uuid NOT NULL,
    cause_id uuid,
    recorded_at timestamp with time zone NOT NULL,
    body bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT audit_record_leaf_hash_check CHECK ((length(leaf_hash) = 32))
);

--
-- Name: balance; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.balance (
    merchant_id bigint NOT NULL,
    account_id uuid NOT NULL,
    posted bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    floor bigint,
    version bigint DEFAULT 0 NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    CONSTRAINT balance_above_floor CHECK (((posted - held) >= floor)),
    CONSTRAINT balance_held_not_negative CHECK ((held >= 0)),
    CONSTRAINT balance_status_check CHECK ((status = ANY (ARRAY['open'::text, 'frozen'::text, 'closed'::text])))
)
WITH (fillfactor='60');

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
    CONSTRAINT hold_open_has_remaining CHECK (((state = 'open'::text) = (remaining > 0))),
    CONSTRAINT hold_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 255))),
    CONSTRAINT hold_state_check CHECK ((state = ANY (ARRAY['open'::text, 'captured'::text, 'released'::text, 'expired'::text])))
);

--
-- Name: idempotency_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_key (
    merchant_id bigint NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    object_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
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
    kind public.transaction_kind NOT NULL,
    reference text NOT NULL,
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
-- Name: operation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operation (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    provider_reference text,
    reason text,
    lookups integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT operation_kind_check CHECK ((kind = 'authorize'::text)),
    CONSTRAINT operation_outcome_check CHECK ((outcome = ANY (ARRAY['pending'::text, 'succeeded'::text, 'declined'::text, 'failed'::text, 'unknown'::text])))
);

--
-- Name: payment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payment (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    captured bigint DEFAULT 0 NOT NULL,
    beneficiary_id uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    payment_method text NOT NULL,
    reference text,
    metadata jsonb NOT NULL,
    failure_code text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT payment_amount_check CHECK ((amount > 0)),
    CONSTRAINT payment_captured_within_amount CHECK (((captured >= 0) AND (captured <= amount))),
    CONSTRAINT payment_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT payment_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
    CONSTRAINT payment_status_check CHECK ((status = ANY (ARRAY['processing'::text, 'succeeded'::text, 'failed'::text]))),
    CONSTRAINT payment_succeeded_has_captured CHECK (((status = 'succeeded'::text) = (captured > 0)))
);

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
    CONSTRAINT provider_account_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT provider_account_provider_check CHECK ((provider = ANY (ARRAY['stripe'::text, 'paypal'::text])))
);

--
-- Name: webhook_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_event (
    merchant_id bigint NOT NULL,
    id uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    provider_event_id text NOT NULL,
    event_type text NOT NULL,
    body bytea NOT NULL,
    status text NOT NULL,
    reason text,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    deliveries bigint DEFAULT 1 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT webhook_event_no_effect_has_reason CHECK (((status = ANY (ARRAY['pending'::text, 'processed'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT webhook_event_provider_event_id_check CHECK (((length(provider_event_id) >= 1) AND (length(provider_event_id) <= 255))),
    CONSTRAINT webhook_event_settled_once CHECK (((status = 'pending'::text) = (settled_at IS NULL))),
    CONSTRAINT webhook_event_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processed'::text, 'ignored'::text, 'superseded'::text, 'dead'::text])))
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
-- Name: api_key api_key_merchant_id_secret_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_merchant_id_secret_hash_key UNIQUE (merchant_id, secret_hash);

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
-- Name: audit_record audit_record_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_record
    ADD CONSTRAINT audit_record_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: balance balance_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (merchant_id, account_id);

--
-- Name: hold hold_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: idempotency_key idempotency_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (merchant_id, key);

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
-- Name: provider_account provider_account_merchant_id_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_account
    ADD CONSTRAINT provider_account_merchant_id_name_key UNIQUE (merchant_id, name);

--
-- Name: provider_account provider_account_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_account
    ADD CONSTRAINT provider_account_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: webhook_event webhook_event_merchant_id_provider_account_id_provider_even_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_event
    ADD CONSTRAINT webhook_event_merchant_id_provider_account_id_provider_even_key UNIQUE (merchant_id, provider_account_id, provider_event_id);

--
-- Name: webhook_event webhook_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_event
    ADD CONSTRAINT webhook_event_pkey PRIMARY KEY (merchant_id, id);

--
-- Name: audit_record_by_object; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_record_by_object ON public.audit_record USING btree (merchant_id, object_id, id);

--
-- Name: hold_by_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hold_by_account ON public.hold USING btree (merchant_id, account_id, created_at, id);

--
-- Name: hold_expiring; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hold_expiring ON public.hold USING btree (expires_at) WHERE (state = 'open'::text);

--
-- Name: ledger_entry_recorded; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_entry_recorded ON public.ledger_entry USING brin (recorded_at) WITH (autosummarize='on');

--
-- Name: ledger_transaction_effective; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_transaction_effective ON public.ledger_transaction USING btree (merchant_id, effective_at) WHERE (effective_at IS NOT NULL);

--
-- Name: operation_by_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operation_by_payment ON public.operation USING btree (merchant_id, payment_id);

--
-- Name: operation_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operation_due ON public.operation USING btree (due_at) WHERE (outcome = ANY (ARRAY['pending'::text, 'unknown'::text]));

--
-- Name: webhook_event_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhook_event_due ON public.webhook_event USING btree (due_at) WHERE (status = 'pending'::text);

--
-- Name: applied_effect written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.applied_effect FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_record written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_record FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_entry written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_transaction written_once; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER written_once BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_transaction FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

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
-- Name: hold hold_merchant_id_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_merchant_id_account_id_fkey FOREIGN KEY (merchant_id, account_id) REFERENCES public.account(merchant_id, id);

--
-- Name: operation operation_merchant_id_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_merchant_id_payment_id_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES public.payment(merchant_id, id);

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
-- Name: webhook_event webhook_event_merchant_id_provider_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_event
    ADD CONSTRAINT webhook_event_merchant_id_provider_account_id_fkey FOREIGN KEY (merchant_id, provider_account_id) REFERENCES public.provider_account(merchant_id, id);

--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA public TO groat_app;

--
-- Name: TABLE account; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.account TO groat_app;

--
-- Name: TABLE alembic_version; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.alembic_version TO groat_app;

--
-- Name: TABLE api_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.api_key TO groat_app;

--
-- Name: TABLE applied_effect; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.applied_effect TO groat_app;

--
-- Name: TABLE audit_record; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_record TO groat_app;

--
-- Name: TABLE balance; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.balance TO groat_app;

--
-- Name: TABLE hold; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.hold TO groat_app;

--
-- Name: TABLE idempotency_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.idempotency_key TO groat_app;

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

GRANT SELECT,INSERT,UPDATE ON TABLE public.merchant TO groat_app;

--
-- Name: TABLE operation; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.operation TO groat_app;

--
-- Name: TABLE payment; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.payment TO groat_app;

--
-- Name: TABLE provider_account; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.provider_account TO groat_app;

--
-- Name: TABLE webhook_event; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.webhook_event TO groat_app;

--
-- PostgreSQL database dump complete
--
