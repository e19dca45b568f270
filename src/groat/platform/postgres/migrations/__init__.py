"""The schema's history: Alembic's environment, and the revisions, each with its SQL file."""
