"""Payments, refunds and disputes: their lifecycle, the calls to providers, and the postings."""
