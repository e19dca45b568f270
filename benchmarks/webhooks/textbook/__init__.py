"""The pipeline as the field writes it: verify, remember, store, enqueue; a transaction a job."""
