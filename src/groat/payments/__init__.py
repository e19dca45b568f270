"""Payments, refunds, disputes, and their recovery."""
