"""The port to payment providers, in facts, and one adapter for each provider."""
