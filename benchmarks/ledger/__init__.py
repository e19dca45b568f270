"""Measure the ledger's transfers per second, and compare them with usual ways in PostgreSQL."""
