"""Pebble, a provider that does not exist: its adapter, and the harness that tests it."""
