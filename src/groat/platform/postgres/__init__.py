"""PostgreSQL: connections, statements, schema, idempotency keys and the root key."""
