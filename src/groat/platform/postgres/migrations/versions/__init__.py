"""The revisions: a Python file with a revision's place, and a SQL file with its changes."""
