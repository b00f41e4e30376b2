"""Scores for analyses: the judge, what it does to pictures, and scores over parts of them."""
