"""Scenes written to disk as sets."""
