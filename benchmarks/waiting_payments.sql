-- name: insert_payments
-- Insert payments, each with an operation of unknown outcome: the answer to its charge was lost.
-- The next look-up is due in a day, so only a webhook can settle the payment meanwhile.
with made as (
    insert into payment (
        merchant_id, id, status, currency, amount, beneficiary_id, provider_account_id, payment_method,
        capture_method, metadata, provider_metadata, attempts, attempts_max, salt, created_at, updated_at
    )
    select
        %(merchant_id)s::bigint, id, 'processing', %(currency)s, amount, beneficiary_id,
        %(provider_account_id)s::uuid, 'pm_card_visa', 'automatic', '{}', '{}', 1, 5, salt,
        %(now)s::timestamptz, %(now)s
    from unnest(%(ids)s::uuid[], %(amounts)s::bigint[], %(beneficiary_ids)s::uuid[], %(salts)s::uuid[])
        as p (id, amount, beneficiary_id, salt)
)
insert into operation (
    merchant_id, id, payment_id, provider_account_id, kind, amount, final, outcome, reason, due_at,
    created_at, updated_at
)
select
    %(merchant_id)s, operation_id, payment_id, %(provider_account_id)s, 'authorize', amount, true, 'unknown',
    'timeout', %(now)s + interval '1 day', %(now)s, %(now)s
from unnest(%(operation_ids)s::uuid[], %(ids)s::uuid[], %(amounts)s::bigint[])
    as o (operation_id, payment_id, amount)
