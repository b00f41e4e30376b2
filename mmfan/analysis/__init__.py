"""Looking inside models: taps in any backbone, and the analyses that ``tools/analyze.py`` runs."""
