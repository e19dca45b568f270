"""Facts and failure codes that are the same for all providers. Pure."""
