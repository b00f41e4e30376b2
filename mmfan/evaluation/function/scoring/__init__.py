"""Scoring of what a function predicts: checked, counted, brought to the scores of a cell, by kind of truth."""
