"""Input and output that all modules share: settings, database, jobs, HTTP, crypto, telemetry."""
