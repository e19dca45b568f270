"""Uses of Redis that only save time: jobs, webhooks seen before, and shared circuit breakers."""
