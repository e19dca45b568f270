"""Provider events: received, applied exactly once, replayed."""
