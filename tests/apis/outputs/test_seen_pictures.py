"""What is painted over is what the model was given: of whole corrupted sets, steps of the pipeline, and clean ones."""

import cv2
import numpy as np
import pytest

pytest.importorskip("mmseg")
from helpers.shifted_truth import config

from mmfan.apis import build_runner
from mmfan.apis.outputs.hooks import PredictionWriter
from mmfan.apis.outputs.seen_pictures import KEY, KeepPicture, as_rgb, keep_pictures, take_pictures
from mmfan.corruptions import corrupt, picture_seed

SIZE = (64, 96)
NAME = "val/town/town_000000_000019_leftImg8bit.png"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """One picture, and another in the place of its contrast of severity 5 on disk."""
    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (2, 8, 12, 3), np.uint8)
    clean, other = (cv2.resize(one, SIZE[::-1]) for one in small)
    for path, picture in (
        (root / "data/leftImg8bit" / NAME, clean),
        (root / "data_c/leftImg8bit/contrast/5" / NAME, other),
        (root / "data/gtFine" / NAME.replace("leftImg8bit", "gtFine_labelTrainIds"), np.zeros(SIZE, np.uint8)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture)
    return root, clean, other


def shown(root, folder, *steps, **more):
    """The painted picture of a test, with colours of no weight, in BGR."""
    pipeline = [{"type": "LoadImageFromFile"}, *steps, {"type": "LoadAnnotations"}, {"type": "PackSegInputs"}]
    dataset = {
        "type": "mmfan.CityscapesDataset", "data_root": str(root / "data"),
        "data_prefix": {"img_path": "leftImg8bit/val", "seg_map_path": "gtFine/val"}, "pipeline": pipeline, **more,
    }  # fmt: skip
    cfg = config("mmseg", "ShiftedLabels", dataset, {"type": "IoUMetric"}, folder)
    runner = build_runner(cfg, work_dir=folder / "w")
    runner.register_hook(PredictionWriter(None, folder / "show", opacity=0.0))
    runner.test()
    (file,) = (folder / "show").iterdir()
    return cv2.imread(str(file))


def contrast(clean, severity=5):
    seed = picture_seed(0, NAME, "contrast", severity)
    return corrupt(np.ascontiguousarray(clean[..., ::-1]), "contrast", severity, seed)[..., ::-1]


CELL = {"type": "mmfan.CityscapesCDataset", "corruption": "contrast", "severity": 5}
STEP = {"type": "mmfan.Corrupt", "corruption": "contrast", "severity": 5}
RESIZE = {"type": "Resize", "scale": (48, 32), "keep_ratio": True}


@pytest.mark.parametrize(
    ("steps", "more"),
    [([], {**CELL, "source": "fly"}), ([STEP], {}), ([STEP, RESIZE], {}), ([RESIZE], {**CELL, "source": "fly"})],
    ids=["cell on the fly", "step", "step and resize", "cell and resize"],
)
@pytest.mark.process
def test_the_corrupted_picture_at_its_own_size(tree, tmp_path, steps, more):
    root, clean, _ = tree
    painted = shown(root, tmp_path, *steps, **more)
    np.testing.assert_array_equal(painted, contrast(clean))


@pytest.mark.process
def test_sets_on_disk_and_clean_ones(tree, tmp_path):
    root, clean, other = tree
    np.testing.assert_array_equal(shown(root, tmp_path / "a", **{**CELL, "source": "disk"}), other)
    np.testing.assert_array_equal(shown(root, tmp_path / "b", RESIZE), clean)
    np.testing.assert_array_equal(shown(root, tmp_path / "c", type="CityscapesDataset"), clean)


@pytest.mark.process
def test_a_picture_corrupted_after_a_resize_is_brought_back(tree, tmp_path):
    root, clean, _ = tree
    painted = shown(root, tmp_path, RESIZE, STEP)
    assert painted.shape == clean.shape
    assert painted.std() < clean.std() / 3  # contrast 5 leaves a twentieth


def test_pictures_that_cannot_be_kept_are_left_alone():
    image = np.full((4, 6, 3), 7, np.uint8)
    kept = KeepPicture()({"img": image.astype(np.float32), "ori_shape": (4, 6)})
    np.testing.assert_array_equal(kept[KEY], image)
    for sample in (
        {"img": image / 255, "ori_shape": (4, 6)},  # normalised
        {"img": image, "ori_shape": (8, 12)},
        {"img": image, "ori_shape": (4, 6), "flip": True},
        {"inputs": []},
    ):
        assert KEY not in KeepPicture()(dict(sample))
    assert KeepPicture()(None) is None
    assert KEY in KeepPicture(whatever_size=True)({"img": image, "ori_shape": (8, 12)})
    assert not keep_pictures(object())
    assert take_pictures({"inputs": []}) == {}


def test_grey_and_sizes():
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(as_rgb(grey, (2, 3)), np.stack([grey] * 3, axis=2))
    assert as_rgb(grey[..., None], (4, 6)).shape == (4, 6, 3)
    blue = np.zeros((2, 2, 3), np.uint8)
    blue[..., 0] = 9
    assert as_rgb(blue, (2, 2))[0, 0].tolist() == [0, 0, 9]
