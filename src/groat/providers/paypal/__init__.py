"""PayPal: Orders v2 and Payments v2 over REST, and its signed webhooks."""
