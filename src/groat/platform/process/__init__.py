"""The parts of every process: settings, logs, batches of work and limits on calls."""
