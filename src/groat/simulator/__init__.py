"""Stand-ins for Stripe's and PayPal's hosts, with their own books and faults on demand."""
