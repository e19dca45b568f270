"""The PayPal simulator: access tokens, orders, payments, disputes and signed webhooks."""
