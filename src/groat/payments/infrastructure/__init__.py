"""Read and write payments in PostgreSQL. Only this package of the room contains SQL."""
