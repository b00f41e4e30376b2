"""Runs of a report: read from results files, chosen, seen to be alike, joined to groups."""
