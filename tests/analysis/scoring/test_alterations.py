"""Alterations inside a dataset's pipeline: pictures, labels and marks belong together."""

import numpy as np
import pytest
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.registry import DATASETS, DefaultScope

from mmfan.analysis.scoring.alterations import BandNoiseAlteration, PatchDropAlteration, ShuffleAlteration
from mmfan.analysis.scoring.part_scores import MARKED
from mmfan.apis import load_config
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.transforms.patch_drop import PatchDrop
from mmfan.evaluation.loop.loading.stream import CellDataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("alterations")
    write_config(made / "tiny.py", write_tree(made / "data"))
    return made


def altered(folder, alteration, cell, seed=0):
    """The wrapped test set: clean samples are keys (0, n), altered ones (1, n)."""
    with DefaultScope.overwrite_default_scope("mmseg"):
        dataset = DATASETS.build(load_config(folder / "tiny.py").test_dataloader.dataset)
    wrapped = CellDataset(dataset, (CLEAN, cell), alteration)
    alteration.install(dataset, seed, None)
    return wrapped


def parts(wrapped, key):
    sample = wrapped[key][1]
    return (
        sample["inputs"].numpy().transpose(1, 2, 0),
        sample["data_samples"].gt_sem_seg.data[0].numpy(),
        sample["data_samples"].get(MARKED),
    )


def test_clean_samples_stay_as_they_are(folder):
    wrapped = altered(folder, PatchDropAlteration(), Cell("drop", 50))
    picture, _, marked = parts(wrapped, (0, 0))
    assert marked is None
    assert (picture != 0).mean() > 0.9


def test_dropped_cells_are_marked_and_those_of_the_transform(folder):
    wrapped = altered(folder, PatchDropAlteration(), Cell("drop", 50), seed=4)
    clean, labels, _ = parts(wrapped, (0, 1))
    picture, same, marked = parts(wrapped, (1, 1))
    assert marked.sum() == 12 * 256
    assert (picture[marked] == 0).all()
    np.testing.assert_array_equal(picture[~marked], clean[~marked])
    np.testing.assert_array_equal(labels, same)
    path = wrapped.dataset.get_data_info(1)["img_path"]
    np.testing.assert_array_equal(PatchDrop(0.5, seed=4).transform({"img": clean, "img_path": path})["hidden"], marked)


def test_salient_cells_are_read_from_the_labels(folder):
    wrapped = altered(folder, PatchDropAlteration(mode="salient"), Cell("drop", 100))
    _, labels, marked = parts(wrapped, (1, 0))
    assert marked[labels == 13].all()
    cells = marked.reshape(4, 16, 6, 16).any(axis=(1, 3))
    there = (labels == 13).reshape(4, 16, 6, 16).any(axis=(1, 3))
    np.testing.assert_array_equal(cells, there)


def test_labels_travel_with_the_pixels(folder):
    wrapped = altered(folder, ShuffleAlteration({6: (2, 3)}, margin=2), Cell("shuffle", 6))
    before, kept, _ = parts(wrapped, (0, 0))
    picture, labels, marked = parts(wrapped, (1, 0))
    assert (labels != kept).any()
    assert sorted(labels.ravel()) == sorted(kept.ravel())
    # the made-up pictures are 12 times the label modulo 216, and noise below 40
    for shown, truth in ((before, kept), (picture, labels)):
        rest = shown.astype(int) - (truth * 12 % 216)[..., None]
        assert rest.min() >= 0
        assert rest.max() < 40
    # unmarked: 30 of the 32 rows of each of the two rows of cells; 30, 28 and 30 of the columns
    assert (~marked).sum() == 2 * 30 * (30 + 28 + 30)


@pytest.mark.slow
def test_shuffling_depends_on_the_name_and_seed_alone(folder):
    first = parts(altered(folder, ShuffleAlteration({16: (4, 4)}, 2), Cell("shuffle", 16)), (1, 1))[0]
    wrapped = altered(folder, ShuffleAlteration({16: (4, 4)}, 2), Cell("shuffle", 16))
    parts(wrapped, (1, 0))
    np.testing.assert_array_equal(parts(wrapped, (1, 1))[0], first)
    other = parts(altered(folder, ShuffleAlteration({16: (4, 4)}, 2), Cell("shuffle", 16), seed=1), (1, 1))[0]
    assert (other != first).any()


def test_noise_in_one_band(folder):
    wrapped = altered(folder, BandNoiseAlteration(eps=0.3, energy="equal"), Cell("noise", 50))
    clean, labels, _ = parts(wrapped, (0, 0))
    picture, same, _ = parts(wrapped, (1, 0))
    np.testing.assert_array_equal(labels, same)
    assert 5 < np.std(picture.astype(float) - clean) < 20


def test_shuffling_needs_label_maps(folder):
    alteration = ShuffleAlteration({4: (2, 2)}, 0)
    config = load_config(folder / "tiny.py").test_dataloader.dataset
    config.pipeline = [step for step in config.pipeline if "Annotations" not in step["type"]]
    with DefaultScope.overwrite_default_scope("mmseg"):
        dataset = DATASETS.build(config)
    with pytest.raises(ValueError, match="needs the labels of the pictures: expected one step LoadAnnotations"):
        alteration.install(dataset, 0, None)
