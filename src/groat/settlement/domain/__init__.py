"""The rules of settlement. Pure: no I/O, no clock, no SQL."""
