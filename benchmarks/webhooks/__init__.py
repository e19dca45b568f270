"""Measure how fast Groat acknowledges and applies webhooks, beside the pipeline of textbooks."""
