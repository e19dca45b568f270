"""PostgreSQL and Valkey servers of their own, for trying Groat and for its tests."""
