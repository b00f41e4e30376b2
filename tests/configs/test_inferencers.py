"""The inference doors of mmsegmentation and mmdetection open every shipped config, without mmfan's own doors."""

import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, DefaultScope, init_default_scope

from mmfan.apis import load_config
from mmfan.evaluation.loop.identity.run_key import pipelines_of
from mmfan.evaluation.results.hashes import config_hash

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "configs"
CONFIGS = sorted(path for path in FOLDER.rglob("*.py") if "_base_" not in path.parts)
SCOPES = {path: load_config(path).default_scope for path in CONFIGS}  # those of classifiers are of neither
SEGMENTORS = [path for path, scope in SCOPES.items() if scope == "mmseg"]
DETECTORS = [path for path, scope in SCOPES.items() if scope == "mmdet"]
SIZE = (48, 64)  # height, width


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def picture(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    return str(tmp_path / "a.png"), image


def names(paths):
    return [path.stem for path in paths]


def stands_on_mmseg(path):
    """Whether a config, or the one beside it that it inherits from, inherits from a config of mmsegmentation."""
    text = path.read_text()
    beside = re.findall(r'^_base_ = "\./(.+\.py)"', text, re.MULTILINE)
    return '_base_ = "mmseg::' in text or any(stands_on_mmseg(path.parent / name) for name in beside)


def small(path):
    """A shipped config for pictures of a few pixels; nothing that names a step is touched."""
    # bases of mmseg:: can be read by mmfan alone where the package has a new name
    cfg = load_config(path) if stands_on_mmseg(path) else Config.fromfile(path)
    for steps in (cfg.test_pipeline, cfg.test_dataloader.dataset.pipeline):
        for step in steps:
            if step.type == "Resize":
                step.scale = SIZE[::-1]
    if cfg.default_scope == "mmseg":
        cfg.model.test_cfg = {"mode": "whole"}
    return cfg


@pytest.mark.parametrize("path", SEGMENTORS, ids=names(SEGMENTORS))
def test_pipelines_that_mmsegmentation_makes_of_a_config(path, picture):
    from mmseg.apis import MMSegInferencer
    from mmseg.apis.utils import _preprare_data

    init_default_scope("mmseg")
    _, image = picture
    seen = [
        MMSegInferencer._init_pipeline(MMSegInferencer.__new__(MMSegInferencer), small(path))(one) for one in picture
    ]
    seen += [_preprare_data(one, SimpleNamespace(cfg=small(path)))[0] for one in picture]
    for one in seen:
        inputs = one["inputs"][0] if isinstance(one["inputs"], list) else one["inputs"]
        np.testing.assert_array_equal(inputs.numpy(), image.transpose(2, 0, 1))


@pytest.mark.parametrize("path", DETECTORS, ids=names(DETECTORS))
def test_pipelines_that_mmdetection_makes_of_a_config(path, picture):
    pytest.importorskip("mmdet")
    from mmdet.apis import DetInferencer
    from mmdet.utils import get_test_pipeline_cfg

    init_default_scope("mmdet")
    file, image = picture
    built = DetInferencer._init_pipeline(DetInferencer.__new__(DetInferencer), small(path))
    plain = Compose(get_test_pipeline_cfg(small(path)))
    for one in (built(file), built(image), plain({"img_path": file, "img_id": 0})):
        np.testing.assert_array_equal(one["inputs"].numpy(), image.transpose(2, 0, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "stem",
    [
        "fan_segformer_mini", "fan-t-vit_segformer_8xb1-160k_cityscapes-1024x1024", "segformer_mit-b0_camvid",
        "fan-t-hybrid_mmseg-segformer_8xb1-160k_cityscapes-1024x1024",
        "fan-t-swin_upernet_8xb1-160k_cityscapes-1024x1024", "alternet-50_upernet_8xb1-160k_cityscapes-1024x1024",
    ],
)  # fmt: skip
def test_a_segmentor_of_each_method_predicts_by_mmsegmentations_doors(stem, picture, tmp_path):
    from mmseg.apis import MMSegInferencer, inference_model, init_model

    (path,) = [path for path in SEGMENTORS if path.stem == stem]
    torch.manual_seed(0)
    inferencer = MMSegInferencer(small(path), device="cpu", show_progress=False)
    found = [inferencer(one, out_dir=str(tmp_path / "out"))["predictions"] for one in picture]
    assert found[0].shape == SIZE
    np.testing.assert_array_equal(*found)
    model = init_model(small(path), device="cpu")
    model.load_state_dict(inferencer.model.state_dict())
    for one in picture:  # a second kind of input after the first, as in one session
        np.testing.assert_array_equal(inference_model(model, one).pred_sem_seg.data[0].numpy(), found[0])


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["fan_mask_rcnn_mini", "cascade-rcnn_r50_bccd"])
def test_a_detector_finds_by_mmdetections_doors(stem, picture):
    pytest.importorskip("mmdet")
    from mmdet.apis import DetInferencer, inference_detector, init_detector

    (path,) = [path for path in DETECTORS if path.stem == stem]
    inferencer = DetInferencer(small(path), device="cpu", show_progress=False)
    model = init_detector(small(path), device="cpu")
    model.load_state_dict(inferencer.model.state_dict())
    for one in picture:
        found = inferencer(one)["predictions"][0]
        same = inference_detector(model, one).pred_instances
        np.testing.assert_allclose(found["scores"], same.scores.tolist())


# As the configs had them when they named mmfan's steps: results of then are still results of these runs.
HASHES = {
    "fan_segformer_mini": "ecac5a78b6e16d20",  # since its loss is mmfan.CrossEntropyLoss
    "fan_segformer_camvid": "d02edaad4447c9de",
    "segformer_mit-b0_camvid": "52e81ee4f89315d8",
    "fan_segformer_cityscapes": "47696d2e0725a159",
    "fan-t-swin_upernet_8xb1-160k_cityscapes-1024x1024": "c858cef329755c4a",
    "fan_mask_rcnn_mini": "3f72a70286a92bac",
    "fan_cascade_rcnn_bccd": "16d8869c90be0592",
}


@pytest.mark.parametrize("stem", HASHES)
def test_results_of_before_are_known(stem):
    (path,) = [path for path in CONFIGS if path.stem == stem]
    cfg = load_config(path)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        assert config_hash(cfg.model, pipelines_of(cfg.test_dataloader.dataset)) == HASHES[stem]


OWN_SETS = [path for path in SEGMENTORS if load_config(path).test_dataloader.dataset.type.startswith("mmfan.")]


@pytest.mark.parametrize("path", OWN_SETS, ids=names(OWN_SETS))
def test_what_the_sets_read_is_checked(path):
    cfg = load_config(path)
    with DefaultScope.overwrite_default_scope("mmseg"):
        for loader, more in ((cfg.train_dataloader, {}), (cfg.test_dataloader, {}), (cfg.test_dataloader, cfg)):
            steps = {"pipeline": more["tta_pipeline"]} if more else {}
            built = DATASETS.build({**loader.dataset, **steps, "lazy_init": True}).pipeline.transforms
            inner = [step for one in built for step in (one, *(getattr(one, "subroutines", ())))]
            inner = [step for one in inner for step in (one, *getattr(one, "transforms", ()))]
            kinds = {f"{type(step).__module__}.{type(step).__name__}" for step in inner}
            loaders = {kind for kind in kinds if ".Load" in kind}
            assert loaders == {
                "mmfan.datasets.transforms.load_image.LoadImageFromFile",
                "mmfan.datasets.transforms.load_labels.LoadSegAnnotations",
            }
