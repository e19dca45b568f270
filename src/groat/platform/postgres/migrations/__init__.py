"""The schema's history: Alembic's environment, and one SQL file beside each revision."""
