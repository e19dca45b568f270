"""What the ledger does in a second, beside what PostgreSQL does by the usual means."""
