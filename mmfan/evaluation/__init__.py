"""Judging a model on corrupted sets: protocols, results, summaries, the loop and the evaluator."""
