"""Stripe's host: what its official SDK needs to pay, decline, list and be told of it."""
