"""The double-entry ledger: entries, balances, holds."""
