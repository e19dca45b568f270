-- name: insert_endpoint
-- Insert a webhook endpoint with its encrypted secrets.
insert into webhook_endpoint (merchant_id, id, url, types, status, secrets, created_at, updated_at)
values (%(merchant_id)s, %(id)s, %(url)s, %(types)s, %(status)s, %(secrets)s, %(now)s, %(now)s)

-- name: list_endpoints
-- List a merchant's endpoints, oldest first.
select id, url, types, status, failing_since, created_at, updated_at
from webhook_endpoint
where merchant_id = %(merchant_id)s
order by id

-- name: get_endpoint
-- Read one endpoint.
select id, url, types, status, failing_since, created_at, updated_at
from webhook_endpoint
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: lock_endpoints
-- Lock endpoints in id order, so that a change of one is not lost. The secrets stay encrypted.
select id, url, types, status, failing_since, created_at, updated_at, secrets
from webhook_endpoint
where merchant_id = %(merchant_id)s and id = any(%(ids)s)
order by id
for no key update

-- name: update_endpoint
-- Write an endpoint that is locked.
update webhook_endpoint
set url = %(url)s, types = %(types)s, status = %(status)s, failing_since = %(failing_since)s, updated_at = %(updated_at)s
where merchant_id = %(merchant_id)s and id = %(id)s

-- name: update_secrets
-- Replace the encrypted secrets of an endpoint that is locked.
update webhook_endpoint set secrets = %(secrets)s, updated_at = %(now)s
where merchant_id = %(merchant_id)s and id = %(id)s
