"""What the loading processes keep: the same samples, whether they were decoded or taken from what is kept."""

import numpy as np
import pytest
from helpers.tiny_robustness import judge, write_parts
from helpers.tiny_segmentor import write_tree

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.cityscapes import CityscapesDataset
from mmfan.evaluation.judging.kept import Kept
from mmfan.evaluation.loop.loading.corrupting import CorruptPicture
from mmfan.evaluation.loop.loading.decoded import KeepLabels
from mmfan.evaluation.loop.loading.stream import CellDataset

CELLS = [CLEAN, Cell("fog", 3), Cell("gaussian_noise", 2)]


class Spoil:
    """A last step that writes on what it is given."""

    def __call__(self, results):
        kept = {"img": results["img"].copy(), "gt_seg_map": results["gt_seg_map"].copy()}
        results["img"][:] = 0
        results["gt_seg_map"][:] = 9
        return {**results, **kept}


def cell_dataset(root, memory=None, floats=False):
    steps = [
        {"type": "LoadImageFromFile", "to_float32": floats},
        {"type": "LoadAnnotations"},
    ]
    dataset = CityscapesDataset(
        data_root=str(root), data_prefix={"img_path": "leftImg8bit/val", "seg_map_path": "gtFine/val"}, pipeline=steps,
        test_mode=True,
    )  # fmt: skip
    dataset.pipeline.transforms.append(Spoil())
    return CellDataset(dataset, CELLS, CorruptPicture(3), memory=memory)


@pytest.mark.parametrize("floats", [False, True])
@pytest.mark.parametrize("limit", [1 << 24, 40_000])
def test_the_same_samples(tmp_path, floats, limit):
    root = write_tree(tmp_path / "data", train=1, val=3)
    memory = Kept(6, limit)
    plain, kept = cell_dataset(root, floats=floats), cell_dataset(root, memory, floats)
    order = [(1, 0), (0, 0), (0, 1), (1, 2), (2, 0), (0, 0), (2, 1), (1, 1), (0, 2), (2, 2)]
    for key in order:
        one, other = plain[key][1], kept[key][1]
        assert set(one) == set(other)
        for name in ("img", "gt_seg_map"):
            assert one[name].dtype == other[name].dtype
            np.testing.assert_array_equal(one[name], other[name])
        for name in ("img_shape", "ori_shape", "seg_fields", "img_path", "seg_map_path", "corruption", "severity"):
            assert one[name] == other[name], name
    assert memory.used > 0


def test_a_file_is_decoded_once(tmp_path):
    root = write_tree(tmp_path / "data", train=1, val=2)
    memory = Kept(4, 1 << 24)
    kept, plain = cell_dataset(root, memory), cell_dataset(root)
    assert [type(step) for step in kept.dataset.pipeline.transforms].count(KeepLabels) == 1
    assert not any(isinstance(step, KeepLabels) for step in plain.dataset.pipeline.transforms)
    expected = [plain[key][1]["img"] for key in ((1, 0), (1, 1))]
    kept[0, 0], kept[2, 1]
    for path in [*root.rglob("val/**/*.png")]:
        path.write_bytes(b"damaged")
    for key, image in zip(((1, 0), (1, 1)), expected, strict=True):
        np.testing.assert_array_equal(kept[key][1]["img"], image)
    memory.clear()
    with pytest.raises(ValueError, match="Cannot read"):
        kept[0, 0]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("workers", [0, 2])
def test_with_and_without_a_cache_the_same_records(tmp_path, workers):
    parts = write_parts(tmp_path)
    found = {
        cache: judge(*parts, tmp_path / f"{cache}.jsonl", cache=cache, workers=workers)[1] for cache in ("0", "50MB")
    }
    for cell, record in found["0"].items():
        other = found["50MB"][cell]
        assert (record["metrics"], record["per_class"]) == (other["metrics"], other["per_class"]), cell
