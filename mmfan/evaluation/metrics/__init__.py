"""Scores of one cell: pixel counts, average precision, the evaluator that gathers them."""
