"""The stream of (cell, picture) keys, and the pipeline step that corrupts."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.dataset import BaseDataset, Compose, ConcatDataset

from mmfan.corruptions import corrupt, picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.transforms.corrupt import Corrupt
from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.loop.loading.corrupting import CorruptPicture
from mmfan.evaluation.loop.loading.picture_names import name_pictures, root_of_names
from mmfan.evaluation.loop.loading.stream import CellBatches, CellDataset

FOG = Cell("fog", 3)


class LoadImageFromNothing:
    """Gives each path a picture of its own."""

    def __call__(self, results):
        results["img"] = np.random.default_rng(len(results["img_path"])).integers(0, 256, (40, 50, 3), np.uint8)
        return results


class Pictures(BaseDataset):
    """A dataset of mmengine's kind without files."""

    def __init__(self, paths, steps=None):
        self._metainfo = {"classes": ("a",)}
        self.paths = paths
        self.pipeline = Compose([LoadImageFromNothing()] if steps is None else steps)

    def full_init(self):
        pass

    def __len__(self):
        return len(self.paths)

    def get_data_info(self, number):
        return {"img_path": self.paths[number]}

    def __getitem__(self, number):
        return self.pipeline(self.get_data_info(number))


@given(st.integers(1, 500), st.integers(1, 600))
def test_spread_is_rising_distinct_and_even(count, limit):
    found = spread(count, limit)
    assert len(found) == min(count, limit)
    assert found == sorted(set(found))
    assert 0 <= found[0] <= found[-1] < count
    gaps = np.diff([*found, found[0] + count])
    assert gaps.max() - gaps.min() <= 1


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 5))
def test_ranks_share_the_pictures_and_batches_hold_one_cell(count, batch_size, ranks):
    keys = []
    for rank in range(ranks):
        batches = CellBatches(range(count)[rank::ranks], batch_size, [0, 2])
        assert len(batches) == len(list(batches)) == 2 * batches.batches_of(2)
        for batch in batches:
            assert len({cell for cell, _ in batch}) == 1
            assert len(batch) <= batch_size
            keys += batch
    assert sorted(keys) == [(cell, picture) for cell in (0, 2) for picture in range(count)]


def test_corrupts_after_loading_and_keeps_what_is_asked_for():
    dataset = CellDataset(
        Pictures(["x/leftImg8bit/val/a.png", "b.png"]), [CLEAN, FOG], CorruptPicture(), kept=frozenset([0])
    )
    note, clean = dataset[0, 0]
    assert (note.cell, note.picture) == (0, 0)
    np.testing.assert_array_equal(note.image, clean["img"])
    assert (clean["corruption"], clean["severity"]) == ("clean", 0)
    note, foggy = dataset[1, 0]
    seed = picture_seed(0, "val/a.png", "fog", 3)
    expected = corrupt(np.ascontiguousarray(clean["img"][..., ::-1]), "fog", 3, seed)[..., ::-1]
    np.testing.assert_array_equal(foggy["img"], expected)
    assert note.corrupt > 0
    assert dataset[1, 1][0].image is None
    np.testing.assert_array_equal(dataset[0, 0][1]["img"], clean["img"])


def halve(sample, cell):
    """A change of one's own: the picture divided by two to the severity."""
    sample["img"] = sample["img"] >> cell.severity
    return sample


def test_a_change_of_ones_own_takes_the_place_of_the_corruption():
    dataset = pickle.loads(pickle.dumps(CellDataset(Pictures(["b.png"]), [CLEAN, FOG], halve)))
    clean, halved = dataset[0, 0][1], dataset[1, 0][1]
    np.testing.assert_array_equal(halved["img"], clean["img"] >> 3)
    assert (halved["corruption"], halved["severity"]) == FOG
    assert clean["img"].max() > 250


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.full((40, 50, 3), 0.5, np.float32), "Expected a picture of uint8 .* got float32"),
        (np.zeros((40, 50, 4), np.uint8), r"got \(40, 50, 4\)"),
        (np.zeros((8, 50, 3), np.uint8), "at least 32 pixels, got 8 rows"),
    ],
)
def test_pictures_that_cannot_be_corrupted_are_named(picture, message):
    class LoadImageAsItIs:
        def __call__(self, results):
            return {**results, "img": picture}

    dataset = CellDataset(Pictures(["b.png"], [LoadImageAsItIs()]), [CLEAN, FOG], CorruptPicture())
    with pytest.raises(ValueError, match=f"fog 3 of the picture b.png cannot be made: .*{message}"):
        dataset[1, 0]


def test_wrappers_around_datasets_are_seen_through():
    inner = [Pictures(["aa.png"]), Pictures(["bbb.png", "cccc.png"])]
    joined = ConcatDataset(inner)
    assert innermost_datasets(SimpleNamespace(dataset=joined)) == inner
    dataset = CellDataset(joined, [CLEAN, FOG], CorruptPicture())
    for number in range(3):
        assert (dataset[1, number][1]["img"] != dataset[0, number][1]["img"]).any()
    assert name_pictures(joined) == (["aa.png", "bbb.png", "cccc.png"],) * 2


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Pictures(["a.png"], []), "got 0: no step at all"),
        (Pictures(["a.png"], [LoadImageFromNothing(), LoadImageFromNothing()]), "got 2"),
        (Pictures(["a.png"], [LoadImageFromNothing(), Corrupt("fog", 1)]), "RobustnessLoop corrupts by itself"),
        (SimpleNamespace(), "SimpleNamespace, which has neither `pipeline`"),
    ],
)
def test_datasets_that_cannot_be_corrupted_are_refused(dataset, message):
    with pytest.raises(ValueError, match=message):
        CellDataset(dataset, [CLEAN], CorruptPicture())


def test_names_must_tell_pictures_apart():
    with pytest.raises(ValueError, match=r"a/x.png and b/x.png have one name, 'x.png'"):
        name_pictures(Pictures(["a/x.png", "b/x.png"]))
    assert name_pictures(Pictures(["s/a/x.png", "s/b/x.png"]), root="s")[1] == ["a/x.png", "b/x.png"]
    with pytest.raises(ValueError, match="no `img_path`"):
        name_pictures(Pictures([""]))


@pytest.mark.parametrize(
    ("prefix", "root"),
    [
        ({"img_path": "d/leftImg8bit/val"}, None),
        ({"img": "coco/val2017/"}, None),
        ({"img_path": "photos/test"}, "photos/test"),
        ({}, None),
    ],
)
def test_names_of_plain_folders_are_relative_to_them(prefix, root):
    dataset = Pictures([])
    dataset.data_prefix = prefix
    assert root_of_names(dataset) == root
