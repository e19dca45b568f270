"""The Stripe simulator: the API calls and webhooks of payments, as Stripe's SDK expects them."""
