"""Loop of one model through all cells of a protocol, and what it works with."""
