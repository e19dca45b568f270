"""Providers' webhooks: received and stored before they are acknowledged, then applied exactly once."""
