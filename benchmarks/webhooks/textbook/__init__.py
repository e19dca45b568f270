"""The usual pipeline: verify, remember, store and enqueue an event; one transaction per job."""
