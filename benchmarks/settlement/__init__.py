"""Measure the provider's books: a settlement file read, checked, stored, and matched with ours."""
