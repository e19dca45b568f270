"""The conformance suite: tests that every adapter must pass. See ``docs/providers.md``."""
