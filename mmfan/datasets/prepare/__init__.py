"""Bringing downloaded sets into the tree that configs expect."""
