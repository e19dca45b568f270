"""Routing: choose the provider accounts that a payment is tried with, and their order."""
