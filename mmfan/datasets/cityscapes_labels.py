"""The label table of Cityscapes as plain arrays: ids, train ids, colours and which classes are counted one by one.

The numbers are those of the public Cityscapes documentation (``cityscapesscripts.helpers.labels``; a test compares
them). Look-up tables here are indexed by the 8-bit label id of a ``labelIds`` picture.
"""

from typing import NamedTuple

import numpy as np

IGNORED = 255
"""The train id of every class that is neither trained on nor evaluated."""


class Label(NamedTuple):
    """One row of the table: label id, train id (255: ignored), counted one by one, colour (R, G, B)."""

    id: int
    train_id: int
    countable: bool
    colour: tuple[int, int, int]


LABELS: dict[str, Label] = {
    "unlabeled": Label(0, IGNORED, False, (0, 0, 0)),
    "ego vehicle": Label(1, IGNORED, False, (0, 0, 0)),
    "rectification border": Label(2, IGNORED, False, (0, 0, 0)),
    "out of roi": Label(3, IGNORED, False, (0, 0, 0)),
    "static": Label(4, IGNORED, False, (0, 0, 0)),
    "dynamic": Label(5, IGNORED, False, (111, 74, 0)),
    "ground": Label(6, IGNORED, False, (81, 0, 81)),
    "road": Label(7, 0, False, (128, 64, 128)),
    "sidewalk": Label(8, 1, False, (244, 35, 232)),
    "parking": Label(9, IGNORED, False, (250, 170, 160)),
    "rail track": Label(10, IGNORED, False, (230, 150, 140)),
    "building": Label(11, 2, False, (70, 70, 70)),
    "wall": Label(12, 3, False, (102, 102, 156)),
    "fence": Label(13, 4, False, (190, 153, 153)),
    "guard rail": Label(14, IGNORED, False, (180, 165, 180)),
    "bridge": Label(15, IGNORED, False, (150, 100, 100)),
    "tunnel": Label(16, IGNORED, False, (150, 120, 90)),
    "pole": Label(17, 5, False, (153, 153, 153)),
    "polegroup": Label(18, IGNORED, False, (153, 153, 153)),
    "traffic light": Label(19, 6, False, (250, 170, 30)),
    "traffic sign": Label(20, 7, False, (220, 220, 0)),
    "vegetation": Label(21, 8, False, (107, 142, 35)),
    "terrain": Label(22, 9, False, (152, 251, 152)),
    "sky": Label(23, 10, False, (70, 130, 180)),
    "person": Label(24, 11, True, (220, 20, 60)),
    "rider": Label(25, 12, True, (255, 0, 0)),
    "car": Label(26, 13, True, (0, 0, 142)),
    "truck": Label(27, 14, True, (0, 0, 70)),
    "bus": Label(28, 15, True, (0, 60, 100)),
    "caravan": Label(29, IGNORED, True, (0, 0, 90)),
    "trailer": Label(30, IGNORED, True, (0, 0, 110)),
    "train": Label(31, 16, True, (0, 80, 100)),
    "motorcycle": Label(32, 17, True, (0, 0, 230)),
    "bicycle": Label(33, 18, True, (119, 11, 32)),
}
"""Name -> row, for the 34 ids that a picture may hold (the licence plate, id -1, is left out)."""

TRAIN_CLASSES: tuple[str, ...] = tuple(
    name for name, row in sorted(LABELS.items(), key=lambda item: item[1].train_id) if row.train_id != IGNORED
)
"""The 19 evaluated classes, in the order of their train ids."""


def _table(width: int, fill: int) -> np.ndarray:
    return np.full((256, width) if width > 1 else 256, fill, np.uint8)


TRAIN_ID_OF: np.ndarray = _table(1, IGNORED)
"""Look-up table, shape (256,), uint8: label id -> train id."""

PALETTE: np.ndarray = _table(3, 0)
"""Look-up table, shape (256, 3), uint8, RGB: label id -> official colour."""

COUNTABLE: np.ndarray = np.zeros(256, bool)
"""Look-up table, shape (256,), bool: whether the class has one number for each of its objects."""

for _row in LABELS.values():
    TRAIN_ID_OF[_row.id] = _row.train_id
    PALETTE[_row.id] = _row.colour
    COUNTABLE[_row.id] = _row.countable
