"""Composition: settings in, running processes out. Nothing imports it."""
