"""A trained classifier as a function: from a picture to the classes that it may show, most likely first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmfan.apis.config import innermost_datasets
from mmfan.apis.inference import predict_sample, read_for
from mmfan.datasets.classes.picture_form import PictureForm
from mmfan.errors import MMFanError
from mmfan.utils.type_names import package_and_name


def is_classifier(model: Any) -> bool:
    """Whether a model from :func:`mmfan.apis.init_model` is :class:`mmfan.ImageClassifier`, or one of mmpretrain's."""
    return any(kind.__name__ in ("ImageClassifier", "BaseClassifier") for kind in type(model).__mro__)


def classify(model: Any, picture: str | Path | np.ndarray, count: int = 5) -> list[tuple[str, float]]:
    """The most likely classes of one picture.

    Args:
        model: From :func:`mmfan.apis.init_model`.
        picture: A file, or an (H, W, 3) uint8 array, channels in the order BGR.
        count: How many classes, at most.

    Returns:
        Names and probabilities, the most likely first.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The picture cannot be read, is smaller than the config's crop, the array is of another shape or
            type, or the model is no classifier.
    """
    image = picture if isinstance(picture, np.ndarray) else read_for(model, picture)
    result = predict_sample(model, _formed(model, image, "given" if image is picture else str(picture)))
    if "pred_score" not in result:
        raise MMFanError("This config's model gives no scores of classes: it is no classifier.")
    shares = result.pred_score.detach().float().flatten().cpu().numpy()
    order = np.argsort(-shares, kind="stable")[:count]
    return [(str(model.dataset_meta["classes"][at]), float(shares[at])) for at in order]


def _formed(model: Any, image: np.ndarray, name: str) -> np.ndarray:
    """The picture in the form that the config's loading step gives it, which an inference pipeline leaves out."""
    dataset = innermost_datasets(model.cfg.get("test_dataloader", {}).get("dataset", {}))[0]
    for step in dataset.get("pipeline") or []:
        if package_and_name(step["type"])[1] == "LoadFormedImage":
            return PictureForm(step.get("resize"), step.get("crop")).clean(image, name)
    return image
