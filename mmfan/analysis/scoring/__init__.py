"""Analyses that judge: the judge, and what it does to pictures."""
