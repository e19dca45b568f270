"""The double-entry ledger: accounts, cached balances and the immutable entries beneath them."""
