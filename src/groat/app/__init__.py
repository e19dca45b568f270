"""Composition: build running processes from settings. No other package imports this one."""
