"""HTTP routes with their request and response models. Rules live in the domain."""
