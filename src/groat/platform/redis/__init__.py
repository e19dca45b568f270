"""Redis, the fast path: jobs, seen webhooks and shared circuit breakers."""
