"""Benchmarks: measure Groat's rates and latencies on real servers on this machine."""
