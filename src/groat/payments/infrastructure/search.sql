-- name: find_payments_by_text
-- Find payments by a text that the merchant or the provider gave them. Each branch has its own index condition.
(
    select id, 'reference' as field from payment
    where merchant_id = %(merchant_id)s and reference = %(text)s limit %(limit)s
) union all (
    select id, 'provider''s id' from payment
    where merchant_id = %(merchant_id)s and provider_reference = %(text)s limit %(limit)s
) union all (
    select id, 'provider''s id of the authorization' from payment
    where merchant_id = %(merchant_id)s and authorization_reference = %(text)s limit %(limit)s
) union all (
    select id, 'customer reference' from payment
    where merchant_id = %(merchant_id)s and customer_reference = %(text)s limit %(limit)s
) union all (
    select id, 'customer e-mail' from payment
    where merchant_id = %(merchant_id)s and customer_email = %(text)s limit %(limit)s
) union all (
    select id, 'value of metadata' from payment
    where merchant_id = %(merchant_id)s and metadata <> '{}'
        and jsonb_path_query_array(metadata, '$.*') @> to_jsonb(array[%(text)s::text])
    limit %(limit)s
)

-- name: find_payments_of_objects
-- Find the payments of captures, refunds and disputes, by the provider's ids of these. The keys of both tables begin with the
-- provider account, so the merchant's accounts are gone through; deleted ones too.
select payment_id as id, field
from unnest(%(references)s::text[]) as r (reference)
cross join (select id from provider_account where merchant_id = %(merchant_id)s) as a (account_id)
cross join lateral (
    select e.payment_id, case e.kind
        when 'captured' then 'provider''s id of a capture'
        when 'capture_returned' then 'provider''s id of the return of a capture'
        else 'provider''s id of a refund'
    end as field
    from applied_effect e
    where e.merchant_id = %(merchant_id)s and e.provider_account_id = a.account_id
        and e.kind in ('captured', 'refunded', 'refund_reversed', 'capture_returned')
        and e.reference = r.reference
    union all
    select d.payment_id, 'provider''s id of a dispute'
    from dispute d
    where d.merchant_id = %(merchant_id)s and d.provider_account_id = a.account_id
        and d.provider_reference = r.reference
) as found
limit %(limit)s
