"""PostgreSQL, Redis, HTTP, processes."""
