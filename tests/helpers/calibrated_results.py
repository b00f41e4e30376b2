"""Calibration entries of records, made of few pixels whose confidence is known."""

from mmfan.evaluation.metrics.calibration.calibration import BINS, ONE, TEMPERATURES


def entry(bins: dict[int, tuple[int, float, int]], best: float = 2.0, **scores: float | None) -> dict:
    """The entry of a cell.

    Args:
        bins: Number of a bin -> pixels, their mean confidence, how many are right.
        best: Temperature of the lowest NLL; the lowest NLL is 0.25, that of the temperature 1 higher.
        **scores: Further scores beside ECE.
    """
    count, confidence, right = ([0] * BINS for _ in range(3))
    for at, (pixels, mean, hits) in bins.items():
        count[at], confidence[at], right[at] = pixels, round(pixels * mean * ONE), hits
    total = sum(count)
    gaps = sum(abs(sure - hits * ONE) for sure, hits in zip(confidence, right, strict=True))
    return {
        "of": "pixels",
        "count": total,
        "scores": {"ECE": gaps / ONE / total, **scores},
        "accuracy": sum(right) / total,
        "confidence": sum(confidence) / ONE / total,
        "one": ONE,
        "reliability": {"count": count, "confidence": confidence, "right": right},
        "temperatures": {
            "T": list(TEMPERATURES),
            "NLL": [0.25 + abs(value - best) for value in TEMPERATURES],
            "ECE": [abs(value - best) / 10 for value in TEMPERATURES],
        },
    }


# Of the cells of tests/helpers/small_results.py: accuracy 0.9, fog 0.7 and 0.5, contrast 0.3; the confidence falls from
# 0.9 to 0.8 and 0.6 in fog, and stays in contrast, where only the last temperatures would do.
SMALL = {
    ("clean", 0): entry({13: (10, 0.9, 9)}, NLL=0.5, AUROC=0.9),
    ("fog", 1): entry({11: (10, 0.8, 7)}, NLL=0.7, AUROC=0.8),
    ("fog", 2): entry({8: (10, 0.6, 5)}, NLL=0.9, AUROC=0.6),
    ("contrast", 1): entry({13: (10, 0.9, 3)}, best=4.0, NLL=2.0, AUROC=None),
}


def calibrated(records: list[dict], entries: dict = SMALL) -> list[dict]:
    """The records, with the calibration of their cells."""
    for record in records:
        cell = record["corruption"], record["severity"]
        if cell in entries:
            record["calibration"] = entries[cell]
    return records
