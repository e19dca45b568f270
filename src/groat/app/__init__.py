"""The processes: settings in, running engine out."""
