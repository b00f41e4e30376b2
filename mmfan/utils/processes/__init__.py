"""Processes beside each other: children, locks, shared memory, and the parts of shared work."""
