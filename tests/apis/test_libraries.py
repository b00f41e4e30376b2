"""Of which library a config is, and what its types are made of."""

import pytest

from mmfan.apis.libraries import is_robustness_loop, library_of, scope_of
from mmfan.evaluation.loop.robustness_loop import RobustnessLoop


class OwnLoop(RobustnessLoop):
    """Of one's own."""


class Detector:
    """As one of mmdetection's."""

    __module__ = "mmdet.models.detectors"


class OwnDetector(Detector):
    """Of one's own."""

    __module__ = __name__


@pytest.mark.parametrize(
    ("config", "library"),
    [
        ({"default_scope": "mmdet", "model": {"type": "A"}}, "mmdet"),
        ({"default_scope": None, "model": {"type": "mmseg.models.segmentors.EncoderDecoder"}}, "mmseg"),
        ({"default_scope": None, "model": {"type": OwnDetector}}, "mmdet"),
        ({"default_scope": "mmengine", "model": {"type": OwnDetector}}, "mmdet"),
        ({"model": {"type": f"{__name__}.OwnDetector"}}, "mmdet"),
        ({"model": {"type": "mmfan.ConsistencyWrapper", "of": "mmdet.MaskRCNN"}}, "mmdet"),
        ({"model": {"type": "mmseg.SegTTAModel", "module": {"type": "T", "module": {"type": OwnDetector}}}}, "mmdet"),
        ({"model": {"type": "MaskRCNN"}}, ""),
        ({"model": {"type": "mmfan.ImageClassifier"}}, ""),
        ({}, ""),
    ],
)
def test_library(config, library):
    assert library_of(config) == library


def test_the_scope_is_that_of_the_config_else_of_its_library():
    assert scope_of({"default_scope": "mmengine", "model": {"type": OwnDetector}}) == "mmengine"
    assert scope_of({"default_scope": None, "model": {"type": OwnDetector}}) == "mmdet"
    assert scope_of({"default_scope": None, "model": {"type": dict}}) is None
    assert scope_of({"model": {"type": "EncoderDecoder"}}) == "mmseg"


@pytest.mark.parametrize("kind", [OwnLoop, f"{__name__}.OwnLoop", RobustnessLoop, "mmfan.RobustnessLoop"])
def test_loops(kind):
    assert is_robustness_loop(kind)
    assert not any(map(is_robustness_loop, (None, dict, "TestLoop", "mmengine.runner.TestLoop")))
