"""The analyses: one a file, each with its SPEC."""
