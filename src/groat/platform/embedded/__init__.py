"""Starts PostgreSQL and Valkey servers on this machine, to try Groat and to test it."""
