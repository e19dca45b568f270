"""Groat, a payment orchestration engine."""
