-- name: check_settlement_files_match_record
-- Each imported file has the audit record of its import, with the same digest and number of movements.
select count(*) as examined, count(*) filter (where bad) as wrong, min(name) filter (where bad) as first
from (
    select coalesce(f.name, r.data ->> 'file') as name, not coalesce(
        (r.data ->> 'movements')::bigint = f.movements and r.data ->> 'file' = f.name, false
    ) as bad
    from settlement_file f
    full join (
        select merchant_id, object_id, data from recorded_change where action = 'settlement_file.imported'
    ) as r on r.merchant_id = f.merchant_id and r.object_id = f.provider_account_id
        and r.data ->> 'digest' = encode(f.digest, 'hex')
) as files
