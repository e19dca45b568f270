"""The port to payment providers, the facts that it reports, and one adapter for each provider."""
