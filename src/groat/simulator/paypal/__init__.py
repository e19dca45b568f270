"""PayPal's host: tokens, orders captured at once, and webhooks signed with a certificate."""
