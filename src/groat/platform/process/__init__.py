"""What a process needs: settings, logs, batches and places for calls."""
