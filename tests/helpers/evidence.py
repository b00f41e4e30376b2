"""Results files of rows of the table of evidence, with scores at will, and a line of the table by its columns."""

import json

from mmfan.corruptions import CBAR
from mmfan.evaluation.protocol import PROTOCOLS

TYPES = PROTOCOLS["kamann16"].corruptions
BLURS = ("motion_blur", "defocus_blur", "glass_blur", "gaussian_blur")


def write(
    folder, name, clean, corrupted, *, bar=0.1, seen=(), types=(*TYPES, *CBAR), special=None, pictures="p", limit=26,
    config="plain", unknown=(), **more,
):  # fmt: skip
    """A results file and the copy of its config; ``more`` are further entries of all records."""
    (folder / name).mkdir(exist_ok=True)
    (folder / name / f"{config}.py").touch()
    records = []
    for kind in ("clean", *types):
        score = clean if kind == "clean" else bar if kind in CBAR else corrupted
        records.append(
            {
                "model": name, "dataset": "camvid", "corruption": kind, "severity": 0 if kind == "clean" else 3,
                "metrics": {"mIoU": (special or {}).get(kind, score)}, "pictures": pictures,
                **({"limit": limit} if limit else {}),
                "checkpoint_hash": name, **more,
                "training_overlap": {
                    "overlaps": list(seen or ()), "added": list(seen or ()), "unknown": list(unknown),
                },
            }
        )  # fmt: skip
        if seen is None:
            del records[-1]["training_overlap"]
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def cells(table, arm):
    return dict(zip(table.head, next(row for row in table.rows if row[0] == arm), strict=True))
