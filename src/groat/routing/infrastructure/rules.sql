-- name: get_rules
-- The newest version is the one in force.
select version, rules from routing_rules
where merchant_id = %(merchant_id)s
order by version desc
limit 1

-- name: insert_rules
-- A version that another caller has written meanwhile fails this one.
insert into routing_rules (merchant_id, version, rules, created_at)
values (%(merchant_id)s, %(version)s, %(rules)s::jsonb, %(now)s)

-- name: insert_decision
-- In the transaction that makes the payment.
insert into routing_decision (merchant_id, payment_id, rules_version, decision, decided_at)
values (%(merchant_id)s, %(payment_id)s, %(rules_version)s, %(decision)s::jsonb, %(now)s)

-- name: get_decision
-- Why a payment went where it went.
select decision from routing_decision
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
