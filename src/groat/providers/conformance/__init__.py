"""What every adapter has to hold to, as tests that its author runs: see ``docs/providers.md``."""
