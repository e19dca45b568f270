"""Routes with their request and response models; no rules."""
