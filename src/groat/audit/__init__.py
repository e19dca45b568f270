"""The append-only record of every change, written in the transaction that makes the change."""
