import numpy as np
import pytest

from mmfan.datasets.cityscapes_labels import COUNTABLE, IGNORED, LABELS, PALETTE, TRAIN_CLASSES, TRAIN_ID_OF


def test_every_row_agrees_with_cityscapesscripts():
    official = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    theirs = {row.name: row for row in official if row.id >= 0}
    assert theirs.keys() == LABELS.keys()
    for name, ours in LABELS.items():
        row = theirs[name]
        assert (ours.id, ours.train_id, ours.colour) == (row.id, row.trainId, row.color), name
        assert ours.countable == row.hasInstances, name


def test_tables_hold_the_rows():
    for row in LABELS.values():
        assert TRAIN_ID_OF[row.id] == row.train_id
        assert tuple(PALETTE[row.id]) == row.colour
        assert COUNTABLE[row.id] == row.countable
    assert (TRAIN_ID_OF[34:] == IGNORED).all()
    assert sorted(set(TRAIN_ID_OF.tolist())) == [*range(19), IGNORED]
    assert TRAIN_ID_OF.dtype == PALETTE.dtype == np.uint8


def test_train_classes_are_in_order():
    assert len(TRAIN_CLASSES) == 19
    assert [LABELS[name].train_id for name in TRAIN_CLASSES] == list(range(19))
    assert TRAIN_CLASSES[:3] == ("road", "sidewalk", "building")
    assert TRAIN_CLASSES[-1] == "bicycle"
