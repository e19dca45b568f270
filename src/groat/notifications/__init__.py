"""Events for merchants: a feed, and signed webhooks."""
