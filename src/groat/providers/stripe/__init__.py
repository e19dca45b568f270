"""Stripe: PaymentIntents through the official SDK, and its signed webhooks."""
