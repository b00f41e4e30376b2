"""Kills of the long commands at random moments, and what is on the disk afterwards."""
