"""Benchmarks: what Groat does in a second, measured on real servers on this machine."""
