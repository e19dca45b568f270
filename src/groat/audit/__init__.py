"""The append-only audit trail. Every change writes its record in the same transaction."""
