"""Small corrupted sets of corruptions of one's own, by the function that makes sets."""

import numpy as np

from mmfan.datasets.corrupted import make_corrupted_set, make_plan

CELLS = [("tint", 1), ("tint", 3), ("dim", 2)]


def tint(image, severity, seed):
    shift = np.random.default_rng(seed).integers(1, 20, 3, dtype=np.uint8)
    return image + severity * shift


def dim(image, severity, seed):
    return image // (severity + 1)


def make(source, target, cells=CELLS, workers=1, **options):
    """Plan a set and make it."""
    settings = {key: options.pop(key) for key in ("imports", "progress", "remark", "check_space") if key in options}
    return make_corrupted_set(make_plan(source, target, cells, **options), workers=workers, **settings)
