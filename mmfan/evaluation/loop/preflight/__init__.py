"""Preflight of a judging: in seconds, what would else fail or be wrong after hours, all of it in one error."""
