"""Read and write settlement files in PostgreSQL. Only this package of the room contains SQL."""
