"""The verbs of this room; they open transactions."""
