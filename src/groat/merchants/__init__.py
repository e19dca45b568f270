"""Merchants (tenants), their API keys, and their provider accounts with encrypted credentials."""
