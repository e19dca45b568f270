"""Which provider accounts a payment is tried with, and in which order."""
