"""Pure vocabulary: money, ids, clock, errors."""
