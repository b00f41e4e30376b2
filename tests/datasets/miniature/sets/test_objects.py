"""The objects of the miniature: what is cut out, how many, and that the set does not depend on who draws it."""

import csv

import numpy as np
import pytest

from mmfan.datasets.miniature import Scene, write_objects
from mmfan.datasets.miniature.sets.objects import SIDE, cut_objects
from mmfan.picture_files import read


def scene_of(*objects):
    """A grey scene with boxes (instance id, x, y, width, height), each in a level of its own."""
    image = np.full((100, 160, 3), 128, np.uint8)
    instances = np.zeros((100, 160), np.uint16)
    for place, (number, x, y, width, height) in enumerate(objects):
        image[y : y + height, x : x + width] = 20 * place
        instances[y : y + height, x : x + width] = number
    return Scene(image, (instances // 1000).astype(np.uint8), instances)


def test_large_objects_are_cut_out_by_class():
    # car, bus, a rider (a person), a car too small, a road
    found = cut_objects(
        scene_of((26000, 0, 0, 40, 30), (28000, 60, 50, 50, 40), (25001, 120, 10, 10, 30), (26001, 140, 80, 8, 8))
    )
    assert [cut.kind for cut in found] == ["person", "car", "bus"]
    assert all(cut.picture.shape == (SIDE, SIDE, 3) for cut in found)
    # an object at the border: the border is repeated; its middle is its own
    assert bool((found[1].picture[20:60, 20:70] == 0).all())
    assert found[2].picture[SIDE // 2, SIDE // 2].tolist() == [20, 20, 20]
    assert found[2].picture[0, 0].tolist() == [128, 128, 128]


@pytest.mark.slow
def test_a_set_and_its_lists(tmp_path):
    assert write_objects(tmp_path / "a", 6, 2, seed=3, workers=1)
    assert write_objects(tmp_path / "b", 6, 2, seed=3, workers=2)
    for split, most in (("train", 2), ("val", 1)):
        rows = list(csv.reader((tmp_path / "a" / f"{split}.csv").read_text().splitlines()))
        files = sorted(path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a" / split).rglob("*.png"))
        assert [row[0] for row in rows] == files
        kinds = [row[1] for row in rows]
        assert all(row[0].split("/")[1] == row[1] for row in rows)
        assert max(map(kinds.count, kinds)) == most
        for file in files:
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
            assert read(str(tmp_path / "a" / file)).shape == (SIDE, SIDE, 3)
    assert not write_objects(tmp_path / "a", 6, 2, seed=3)
    (tmp_path / "a" / files[0]).unlink()
    with pytest.raises(FileExistsError, match="incomplete"):
        write_objects(tmp_path / "a", 6, 2, seed=3)
