"""PayPal's host: tokens, orders and their money, disputes, and webhooks that are signed."""
