-- name: get_rules
-- Read the rules in force, which are the newest version.
select version, rules from routing_rules
where merchant_id = %(merchant_id)s
order by version desc
limit 1

-- name: insert_rules
-- Insert a version of the rules. It fails if another caller has inserted this version meanwhile.
insert into routing_rules (merchant_id, version, rules, created_at)
values (%(merchant_id)s, %(version)s, %(rules)s::jsonb, %(now)s)

-- name: insert_decision
-- Insert the routing decision in the transaction that inserts the payment.
insert into routing_decision (merchant_id, payment_id, rules_version, decision, decided_at)
values (%(merchant_id)s, %(payment_id)s, %(rules_version)s, %(decision)s::jsonb, %(now)s)

-- name: get_decision
-- Read the decision that explains the route of a payment.
select decision from routing_decision
where merchant_id = %(merchant_id)s and payment_id = %(payment_id)s
