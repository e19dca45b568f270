"""Providers' webhooks: stored before they are acknowledged, then applied exactly once."""
