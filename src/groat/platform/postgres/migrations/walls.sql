-- Grant the application's role its privileges. Runs after the revisions of every migration, so that an operator
-- can choose another role. A role belongs to the server, not to the database. So it may exist already, and this
-- user may lack the right to create roles.

do $$
begin
    if not exists (select from pg_roles where rolname = {role_name}) then
        create role {role} nologin;
    end if;
exception when duplicate_object or unique_violation then
    null; -- a migration of another database created it meanwhile
end
$$;
do $$
begin
    if not pg_has_role({role_name}, 'member') then
        execute format('grant {role} to %I', current_user);
    end if;
end
$$;
do $$ begin execute format('grant usage on schema %I to {role}', current_schema()); end $$;

-- The application may update only the columns that change. So it cannot change the beneficiary or the amount of
-- a payment, or the floor of an account's balance.
grant select, insert
    on root_key, merchant, api_key, provider_account, idempotency_key, account, balance, balance_watch, hold, payment, refund, dispute, operation, provider_event, provider_event_repetition, ledger_transaction, ledger_entry, applied_effect, audit_record, audit_log, audit_key, audit_leaf, audit_node, audit_checkpoint, audit_cosignature, audit_verification, routing_rules, routing_decision, movement, movement_attribution, open_item, movement_feed, settlement_file, engine_process, event_object, event_feed, event, webhook_endpoint, delivery, delivery_attempt
    to {role};
grant select on alembic_version, recorded_change to {role};
grant update (wrapped) on root_key to {role};
grant update (data_key) on merchant to {role};
grant update (last_used_at, expires_at, revoked_at) on api_key to {role};
grant update (credentials, deleted_at) on provider_account to {role};
grant update (answer, claimed_at), delete on idempotency_key to {role};
grant update (metadata) on account to {role};
grant update (posted, held, version, recorded_at, status) on balance to {role};
grant update (posted, held, version), delete on balance_watch to {role};
grant update (remaining, captured, state) on hold to {role};
grant update (
    status, authorized, captured, refunded, refund_pending, returned, in_dispute, owed, failure_code, decline_code,
    provider_message, attempts, declined_reference, declined_open, provider_reference, authorization_reference,
    authorization_expires_at, next_action_url, provider_account_id, payment_method,
    route, updated_at
) on payment to {role};
grant update (payout) on movement to {role};
grant update (watermark, rechecked_at, due_at, attempts, reason) on movement_feed to {role};
grant update (parent, told_currency, told, booked_currency, booked) on open_item to {role};
grant update (status, failure_code, updated_at) on refund to {role};
grant update (status, updated_at) on dispute to {role};
grant update (
    outcome, failure_code, decline_code, provider_message, reason, lookups, due_at, updated_at
) on operation to {role};
grant update (
    status, reason, attempts, claimed_until, attempts_lost, failures, failures_alike, due_at, settled_at
) on provider_event to {role};
grant update (deliveries) on provider_event_repetition to {role};
grant update (seen_at), delete on engine_process to {role};
grant update (server, sealed_xid, sealed_id) on audit_log to {role};
grant update (retired_at) on audit_key to {role};
grant update (sequence) on event_object to {role};
grant update (last_position, purged_position) on event_feed to {role};
grant update (position) on event to {role};
grant delete on event, delivery, delivery_attempt to {role};
grant update (url, types, status, secrets, failing_since, updated_at) on webhook_endpoint to {role};
grant update (status, attempts, claimed_until, due_at, since, settled_at) on delivery to {role};
