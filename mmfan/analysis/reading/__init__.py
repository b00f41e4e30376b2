"""Readers of attention."""
