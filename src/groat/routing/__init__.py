"""The provider accounts to try, and in which order."""
