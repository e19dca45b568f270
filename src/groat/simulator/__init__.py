"""Stand-ins for Stripe's and PayPal's hosts, with their own books and faults on demand.

A development tool for the loopback address: whatever they know is in memory and dies with the
process. They import nothing of the engine but the kernel, so that their books are a witness which
shares none of the engine's mistakes.
"""
