-- name: insert_file
-- Note an imported file. A file that was imported before keeps its first note.
insert into settlement_file (merchant_id, provider_account_id, digest, name, movements, imported_at)
values (%(merchant_id)s, %(provider_account_id)s, %(digest)s, %(name)s, %(movements)s, %(now)s)
on conflict (merchant_id, provider_account_id, digest) do nothing
returning digest
