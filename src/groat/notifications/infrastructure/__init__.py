"""Rows to domain objects and back; the only place of this module that knows SQL."""
