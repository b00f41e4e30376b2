"""Helpers that every room may use: plain Python, nothing of torch, OpenMMLab or NumPy."""
