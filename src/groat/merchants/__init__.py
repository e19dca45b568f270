"""Tenants, their API keys, their accounts at providers."""
