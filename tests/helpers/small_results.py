"""A results file small enough to work out by hand: two types of corruption, three cells.

On the protocol of the cells (fog 1 and 2, contrast 1): fog (0.6 + 0.4) / 2 = 0.5, contrast 0.3, corrupted 0.4, and with
clean 0.8 retention 0.5. Only fog has both severities.
"""

import json
from pathlib import Path

SCORES = {("clean", 0): 0.8, ("fog", 1): 0.6, ("fog", 2): 0.4, ("contrast", 1): 0.3}
PROTOCOL = {
    "name": "small",
    "corruptions": {"fog": [1, 2], "contrast": [1]},
    "groups": {"weather": ["fog"], "digital": ["contrast"]},
    "source": "worked by hand",
}


def records(model: str = "fan-t", scores: dict = SCORES, metric: str = "mIoU", **more: object) -> list[dict]:
    """One record a cell."""
    return [
        {
            "model": model,
            "dataset": "cityscapes",
            "corruption": name,
            "severity": at,
            "metrics": {metric: score},
            **more,
        }
        for (name, at), score in scores.items()
    ]


def write(path: Path, *groups: list[dict]) -> Path:
    """Write records as JSON lines."""
    path.write_text("".join(json.dumps(record) + "\n" for group in groups for record in group), encoding="utf-8")
    return path


def with_classes(found: list[dict], classes: dict[str, float | None]) -> list[dict]:
    """The records with IoU by class: each class has its factor of the cell's mIoU; None where it is not there."""
    for record in found:
        score = record["metrics"]["mIoU"]
        record["per_class"] = {
            "IoU": {name: None if factor is None else score * factor for name, factor in classes.items()}
        }
    return found
