"""Pure vocabulary that every room speaks: money, ids, the clock and the family of errors."""
