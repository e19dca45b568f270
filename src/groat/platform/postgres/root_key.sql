-- name: get_root_key
-- There is one row at most.
select wrapped from root_key

-- name: insert_root_key
-- The first process that starts makes it; of several, one. Never where there are merchants already: the
-- hashes of their API keys were made with the key that is missing.
insert into root_key (wrapped)
select %(wrapped)s where not exists (select from merchant)
on conflict do nothing

-- name: lock_root_key
-- Until it is wrapped anew, so that two rotations follow each other.
select wrapped from root_key for no key update

-- name: update_root_key
-- The same key, wrapped with another master key.
update root_key set wrapped = %(wrapped)s
