"""Preparation of downloaded sets: the trees that configs expect."""
