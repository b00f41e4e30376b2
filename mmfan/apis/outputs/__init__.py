"""Outputs of a test on disk: predictions, label maps, COCO results, painted pictures."""
