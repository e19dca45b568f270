-- name: get_root_key
-- Get the wrapped root key. The table has at most one row.
select wrapped from root_key

-- name: insert_root_key
-- Store a new root key. If several processes start at once, the first one wins. If there are merchants, do
-- nothing: the hashes of their API keys need the missing key.
insert into root_key (wrapped)
select %(wrapped)s where not exists (select from merchant)
on conflict do nothing

-- name: lock_root_key
-- Lock the root key while it is rewrapped, so that two rotations run one after the other.
select wrapped from root_key for no key update

-- name: update_root_key
-- Store the same root key, wrapped with another master key.
update root_key set wrapped = %(wrapped)s
