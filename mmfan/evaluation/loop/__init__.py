"""The loop through all cells of a protocol, and what it works with."""
