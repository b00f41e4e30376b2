"""Making a corrupted set."""
