"""Configs of tiny detectors that several tests of training build models of."""

import pytest

from mmfan.apis import load_config


@pytest.fixture(scope="session")
def mask_rcnn(tmp_path_factory):
    """The model of a Mask R-CNN; to be copied before it is changed."""
    from helpers.tiny_mask_rcnn import write_detector_config

    folder = tmp_path_factory.mktemp("detector")
    return load_config(write_detector_config(folder / "tiny.py", folder)).model


@pytest.fixture(scope="session")
def retinanet(tmp_path_factory):
    """The model of a RetinaNet; to be copied before it is changed."""
    from helpers.tiny_retinanet import write_detector

    return load_config(write_detector(tmp_path_factory.mktemp("retinanet"))[0]).model
