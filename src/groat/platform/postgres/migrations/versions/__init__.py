"""Revisions, each a Python file that says its place and a SQL file that says what it does."""
