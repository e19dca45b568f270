"""The port to providers, and one adapter for each."""
