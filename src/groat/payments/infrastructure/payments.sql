-- name: insert_payment
-- Before the provider is called.
insert into payment (
    merchant_id, id, status, currency, amount, beneficiary_id, provider_account_id, payment_method,
    payment_method_kind, capture_method, return_url, route, reference, customer_reference, customer_email,
    description, statement_descriptor, metadata, provider_metadata, salt, attempts, attempts_max, created_at, updated_at
) values (
    %(merchant_id)s, %(id)s, %(status)s, %(currency)s, %(amount)s, %(beneficiary_id)s,
    %(provider_account_id)s, %(payment_method)s, %(payment_method_kind)s, %(capture_method)s,
    %(return_url)s, %(route)s::jsonb, %(reference)s, %(customer_reference)s, %(customer_email)s,
    %(description)s, %(statement_descriptor)s, %(metadata)s, %(provider_metadata)s::text[], %(salt)s, %(attempts)s,
    %(attempts_max)s, %(now)s, %(now)s
)

-- name: lock_payments
-- In id order, and before balances: every transaction locks in this order, so none deadlock.
select
    id, status, failure_code, decline_code, provider_message, amount, currency, provider_account_id, payment_method,
    route, beneficiary_id, reference, customer_reference, customer_email, description, statement_descriptor, metadata,
    provider_metadata, attempts, attempts_max, declined_reference, declined_open, capture_method, return_url,
    payment_method_kind, created_at, updated_at, authorized, captured, refunded, refund_pending, returned,
    in_dispute, owed, provider_reference, authorization_reference, authorization_expires_at, next_action_url
from payment
where merchant_id = %(merchant_id)s and id = any(%(ids)s::uuid[])
order by id
for no key update

-- name: update_payments
-- Writes the payments that commands and facts have changed.
update payment p
set status = n.status, authorized = n.authorized, captured = n.captured, refunded = n.refunded,
    refund_pending = n.refund_pending, returned = n.returned, in_dispute = n.in_dispute,
    failure_code = n.failure_code, decline_code = n.decline_code, provider_message = n.provider_message,
    attempts = n.attempts, declined_reference = n.declined_reference, declined_open = n.declined_open,
    provider_reference = n.provider_reference, authorization_reference = n.authorization_reference,
    authorization_expires_at = n.authorization_expires_at, next_action_url = n.next_action_url,
    provider_account_id = n.provider_account_id, payment_method = n.payment_method,
    route = n.route::jsonb, updated_at = n.updated_at
from unnest(
    %(ids)s::uuid[], %(statuses)s::text[], %(authorized)s::bigint[], %(captured)s::bigint[],
    %(refunded)s::bigint[], %(refund_pending)s::bigint[], %(returned)s::bigint[], %(in_dispute)s::bigint[],
    %(failure_codes)s::text[], %(decline_codes)s::text[], %(provider_messages)s::text[],
    %(attempts)s::bigint[], %(declined_references)s::text[], %(declined_open)s::boolean[],
    %(provider_references)s::text[], %(authorization_references)s::text[],
    %(authorization_expiries)s::timestamptz[], %(next_action_urls)s::text[],
    %(provider_account_ids)s::uuid[], %(payment_methods)s::text[], %(routes)s::text[],
    %(updated)s::timestamptz[]
) as n (
    id, status, authorized, captured, refunded, refund_pending, returned, in_dispute, failure_code,
    decline_code, provider_message, attempts, declined_reference, declined_open, provider_reference,
    authorization_reference, authorization_expires_at, next_action_url,
    provider_account_id, payment_method, route, updated_at
)
where p.merchant_id = %(merchant_id)s and p.id = n.id

-- name: get_payment
-- One payment.
select
    id, status, failure_code, decline_code, provider_message, amount, currency, provider_account_id, payment_method,
    route, beneficiary_id, reference, customer_reference, customer_email, description, statement_descriptor, metadata,
    provider_metadata, attempts, attempts_max, declined_reference, declined_open, capture_method, return_url,
    payment_method_kind, created_at, updated_at, authorized, captured, refunded, refund_pending, returned,
    in_dispute, owed, provider_reference, authorization_reference, authorization_expires_at, next_action_url
from payment
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: list_payments
-- By the time-ordered id, newest or oldest first: the primary key has both orders. Only one branch runs.
with wanted as not materialized (
    select
        id, status, failure_code, decline_code, provider_message, amount, currency, provider_account_id, payment_method,
        route, beneficiary_id, reference, customer_reference, customer_email, description, statement_descriptor, metadata,
        provider_metadata, attempts, attempts_max, declined_reference, declined_open, capture_method, return_url,
        payment_method_kind, created_at, updated_at, authorized, captured, refunded, refund_pending, returned,
        in_dispute, owed, provider_reference, authorization_reference, authorization_expires_at, next_action_url
    from payment
    where merchant_id = %(merchant_id)s and id > %(id_above)s and id < %(id_below)s
        and (%(created_from)s::timestamptz is null or created_at >= %(created_from)s)
        and (%(created_before)s::timestamptz is null or created_at < %(created_before)s)
        and (%(amount_min)s::bigint is null or amount >= %(amount_min)s)
        and (%(amount_max)s::bigint is null or amount <= %(amount_max)s)
        and (%(currency)s::text is null or currency = %(currency)s)
        and (%(status)s::text is null or status = %(status)s)
        and (%(beneficiary_id)s::uuid is null or beneficiary_id = %(beneficiary_id)s)
        and (%(reference)s::text is null or reference = %(reference)s)
        and (%(provider)s::text is null or provider_account_id in (
            select a.id from provider_account a
            where a.merchant_id = %(merchant_id)s and a.provider = %(provider)s
        ))
        and (%(provider_account_id)s::uuid is null or provider_account_id = %(provider_account_id)s)
        and (%(provider_reference)s::text is null or provider_reference = %(provider_reference)s)
        and (%(metadata_key)s::text is null or metadata ? %(metadata_key)s)
        and (%(metadata_value)s::text is null or metadata ->> %(metadata_key)s = %(metadata_value)s)
)
select *
from (
    (select * from wanted where not %(oldest_first)s::boolean order by id desc limit %(limit)s)
    union all
    (select * from wanted where %(oldest_first)s::boolean order by id limit %(limit)s)
) as page
order by case when %(oldest_first)s::boolean then id end, id desc

-- name: count_by_status
-- For the summary of ``groat demo``.
select status, count(*) as payments from payment where merchant_id = %(merchant_id)s group by status

-- name: find_effects
-- A separate statement after the lock: effects are written only under the payment's lock.
select provider_account_id, kind, reference, payment_id
from applied_effect
where merchant_id = %(merchant_id)s
    and (provider_account_id, kind, reference) in (
        select * from unnest(%(provider_account_ids)s::uuid[], %(kinds)s::text[], %(references)s::text[])
    )

-- name: list_posted_transactions
-- The ledger transactions of a payment: those of its effects, and those of its disputes' movements.
select transaction_id from applied_effect
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
union
select transaction_id from movement_attribution
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s and place = 'beneficiary'
    and transaction_id is not null

-- name: insert_effects
-- The unique constraint is the last defence: an effect that exists already fails the whole batch.
insert into applied_effect (
    merchant_id, provider_account_id, kind, reference, payment_id, transaction_id, amount, currency,
    applied_at
)
select
    %(merchant_id)s::bigint, provider_account_id, kind, reference, payment_id, transaction_id, amount,
    currency, %(now)s
from unnest(
    (select %(provider_account_ids)s::uuid[]), %(kinds)s::text[], %(references)s::text[],
    %(payment_ids)s::uuid[], %(transaction_ids)s::uuid[], %(amounts)s::bigint[], %(currencies)s::text[]
) as e (provider_account_id, kind, reference, payment_id, transaction_id, amount, currency)

-- name: update_owed
-- Writes the debts of beneficiaries. A second update: only the posting shows how much a beneficiary lacked.
update payment p
set owed = n.owed
from unnest(%(ids)s::uuid[], %(owed)s::bigint[]) as n (id, owed)
where p.merchant_id = %(merchant_id)s and p.id = n.id

-- name: list_captures
-- Captures and refunds, for comparison with the providers' books.
select provider_account_id, kind, reference, payment_id, amount, currency
from applied_effect
where merchant_id = %(merchant_id)s and kind in ('captured', 'refunded')
