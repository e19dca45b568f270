"""Input and output that no module owns: settings, database, jobs, batching, HTTP, crypto, telemetry."""
