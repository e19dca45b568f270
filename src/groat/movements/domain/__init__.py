"""The rules of movements. Pure: no I/O, no clock, no SQL."""
