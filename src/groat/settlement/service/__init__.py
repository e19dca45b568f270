"""The verbs of the room: import settlement files, and read the feeds of movements."""
