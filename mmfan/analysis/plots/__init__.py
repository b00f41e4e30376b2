"""Figures that analyses share."""
