"""Uncertainty of scores: intervals over pictures, differences of two models, spread over the seeds of a training."""
