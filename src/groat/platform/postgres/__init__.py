"""PostgreSQL: connections, statements, schema, and what every room stores alike."""
