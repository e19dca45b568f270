"""Routes of payments, with their request and response models; no rules."""
