"""Probes: read-outs that are fitted to features and not trained with them, and the depths that they are fitted at."""
