"""Input and output that no module owns: settings, database, jobs, HTTP, crypto, telemetry."""
