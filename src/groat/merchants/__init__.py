"""Tenants, their API keys, and their accounts at providers with encrypted credentials."""
