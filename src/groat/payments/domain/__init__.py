"""The rules of payments. Pure: no I/O, no clock, no SQL."""
