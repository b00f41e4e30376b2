"""A trained detector as a function: from a picture to its objects, and their forms for people and for files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmfan.apis.inference import predict_sample
from mmfan.apis.libraries import library_of
from mmfan.visualization.coco_results import Detections
from mmfan.visualization.detections import detections_of


def is_detector(model: Any) -> bool:
    """Whether a model from :func:`mmfan.apis.init_model` is one of mmdetection's."""
    return library_of(model.cfg) == "mmdet"


def detect(model: Any, picture: str | Path | np.ndarray, threshold: float = 0.0) -> Detections:
    """The objects in one picture.

    Args:
        model: From :func:`mmfan.apis.init_model`.
        picture: A file, or an (H, W, 3) uint8 array, channels in the order BGR.
        threshold: Objects with a lower score are left out.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The picture cannot be read, the array is of another shape or type, or the model is no detector.
    """
    return detections_of(predict_sample(model, picture), threshold)
