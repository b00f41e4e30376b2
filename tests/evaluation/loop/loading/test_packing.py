"""Labels that stay bytes on their way from the loading processes."""

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

pytest.importorskip("mmseg")

from mmcv import transforms
from mmseg.datasets.transforms import PackSegInputs

from mmfan.evaluation.loop.loading.packing import PackBytes, pack_bytes, read_bytes
from mmfan.evaluation.metrics.segmentation import SegCountsMetric


def loaded(labels):
    return {
        "img": np.arange(24, dtype=np.uint8).reshape(2, 4, 3), "gt_seg_map": labels, "img_path": "a.png",
        "ori_shape": (2, 4), "reduce_zero_label": False,
    }  # fmt: skip


def test_the_same_sample_but_for_the_type_of_its_labels():
    labels = np.array([[0, 1, 2, 255], [3, 3, 3, 3]], np.uint8)[:, ::-1]
    given = loaded(labels)
    found, expected = PackBytes(PackSegInputs())(given), PackSegInputs()(loaded(labels))
    assert "gt_seg_map" in given
    one, other = found["data_samples"], expected["data_samples"]
    assert (one.gt_sem_seg.data.dtype, other.gt_sem_seg.data.dtype) == (torch.uint8, torch.int64)
    assert one.gt_sem_seg.data.is_contiguous()
    assert one.gt_sem_seg.data.tolist() == other.gt_sem_seg.data.tolist()
    assert one.metainfo == other.metainfo
    assert found["inputs"].tolist() == expected["inputs"].tolist()


@pytest.mark.parametrize("labels", [np.full((2, 4), -1, np.int16), np.zeros((1, 2, 4), np.int32)])
def test_other_labels_are_packed_as_ever(labels):
    found = PackBytes(PackSegInputs())(loaded(labels))["data_samples"].gt_sem_seg.data
    assert found.dtype == torch.int64
    assert found.squeeze().tolist() == labels.squeeze().tolist()


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 1), (2, 4, 4), (5, 3, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_pictures_are_packed_as_ever(shape, kind):
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(kind)
    for view in (picture, picture[:, ::-1]):
        given = {**loaded(np.zeros((2, 4), np.uint8)), "img": view}
        found, expected = PackBytes(PackSegInputs())(given)["inputs"], PackSegInputs()(dict(given))["inputs"]
        assert (found.dtype, found.shape, found.is_contiguous()) == (expected.dtype, expected.shape, True)
        assert torch.equal(found, expected)


def test_every_packing_step_is_replaced_those_of_augmentation_too():
    class Pictures:
        pipeline = Compose([])

    forms = transforms.TestTimeAug(
        transforms=[[{"type": "RandomFlip", "prob": 1.0}], [{"type": "mmseg.PackSegInputs"}]]
    )
    Pictures.pipeline.transforms = [PackSegInputs(), forms]
    pack_bytes(Pictures())
    assert isinstance(Pictures.pipeline.transforms[0], PackBytes)
    assert [type(inner.transforms[-1]).__name__ for inner in forms.subroutines] == ["PackBytes"]


def test_metrics_that_do_not_say_so_get_whole_numbers():
    assert read_bytes([SegCountsMetric()])
    assert not read_bytes([SegCountsMetric(), object()])
    assert not read_bytes([])
