"""The provider's books read: files, matching, payouts."""
