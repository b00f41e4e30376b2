"""Files of weights: the one reader behind every door, where they come from, and whether they can be used."""
