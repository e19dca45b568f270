-- name: ledger_imbalance
-- Sum all balances of each currency: debits and credits are equal, so each sum is 0. The balances are read, and not
-- the entries, because a scrape must be quick: `groat verify` compares the two.
select currency, sum(posted)::double precision as imbalance
from balance
group by currency
