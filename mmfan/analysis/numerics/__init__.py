"""Eigenvalues, directions, clusters: plain arithmetic."""
