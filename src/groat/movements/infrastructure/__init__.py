"""Read and write movements in PostgreSQL. Only this package of the room contains SQL."""
