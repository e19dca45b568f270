"""Convert rows to domain objects and back. Only this package of the module knows SQL."""
