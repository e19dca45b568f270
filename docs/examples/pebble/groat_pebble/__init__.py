"""Pebble, a provider that does not exist: an adapter, and what tests it."""
