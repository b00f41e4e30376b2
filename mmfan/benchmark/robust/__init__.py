"""The table of evidence of robust training: arms trained on a yardstick, judged, and put beside the baseline."""
