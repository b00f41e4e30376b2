"""Classifiers of configs in pure Python."""

import cv2
import numpy as np
import pytest
from helpers.tiny_classifier import write_config

from mmfan.apis import classify, init_model, load_config
from mmfan.datasets.classes.transforms import LoadFormedImage

KINDS = (LoadFormedImage, "mmfan.datasets.classes.transforms.LoadFormedImage")


@pytest.mark.parametrize("kind", KINDS)
def test_a_loading_step_that_is_a_class_forms_the_picture(tmp_path, kind):
    model = init_model(load_config(write_config(tmp_path)), None, "cpu")
    picture = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    formed = classify(model, picture)
    model.cfg.test_dataloader.dataset.pipeline[0].type = kind
    assert classify(model, picture) == formed
    assert classify(model, cv2.resize(picture, (40, 40))) != formed  # what is formed here is cut too
