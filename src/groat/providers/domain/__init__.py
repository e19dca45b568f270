"""What providers say, in our words: pure."""
