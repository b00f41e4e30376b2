"""A segmentor as one function of pictures: what its data preprocessor, its head and its post-processing do, in one."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.apis.classification import is_classifier
from mmfan.apis.detection import is_detector
from mmfan.errors import ConfigError, MMFanError


class PictureNetwork(nn.Module):
    """Pictures to class scores or class numbers, each in the pictures' size.

    Args:
        model: mmseg's ``EncoderDecoder``, from :func:`mmfan.apis.init_model`.
        normalised: Whether pictures come normalised already; otherwise that is done here.
        argmax: Whether to return class numbers.

    Raises:
        MMFanError: The model is none that this can be done for.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any, normalised: bool = False, argmax: bool = False) -> None:
        super().__init__()
        check_exportable(model)
        preprocessor = model.data_preprocessor
        self.model, self.normalised, self.argmax = model, normalised, argmax
        self.divisor = divisor_of(model)
        self.pad_value = float(preprocessor.pad_val)
        self.bgr = not preprocessor._channel_conversion  # pictures are read as BGR; what turns them wants RGB
        mean, std = normalisation_of(model)
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Predict.

        Args:
            pictures: ``(B, 3, H, W)`` RGB, 0 to 255, uint8; or floats, normalised.

        Returns:
            Scores ``(B, classes, H, W)``, or class numbers ``(B, H, W)``: uint8, int32 of more than 256 classes.
        """
        height, width = pictures.shape[2:]
        x = pictures if self.normalised else (pictures.float() - self.mean) / self.std
        if self.bgr:
            x = x.flip(1)
        if self.divisor > 1:
            padded = [(side + self.divisor - 1) // self.divisor * self.divisor for side in (height, width)]
            x = F.pad(x, (0, padded[1] - width, 0, padded[0] - height), value=self.pad_value)
        head = self.model.decode_head
        scores = head(self.model.extract_feat(x))
        scores = F.interpolate(scores, x.shape[2:], mode="bilinear", align_corners=head.align_corners)
        scores = scores[:, :, :height, :width]
        if not self.argmax:
            return scores
        return scores.argmax(1).to(torch.uint8 if scores.shape[1] <= 256 else torch.int32)


def divisor_of(model: Any) -> int:
    """Multiples of this are what pictures are padded to: the config's, and what the backbone needs."""
    asked = (model.data_preprocessor.test_cfg or {}).get("size_divisor") or 1
    return math.lcm(int(asked), int(getattr(model.backbone, "stride", 1)))


def normalisation_of(model: Any) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, R, G, B, on the scale of 0 to 255."""
    preprocessor = model.data_preprocessor
    if not preprocessor._enable_normalize:
        return [0.0] * 3, [1.0] * 3
    mean, std = (numbers.flatten().tolist() for numbers in (preprocessor.mean, preprocessor.std))
    turn = 1 if preprocessor._channel_conversion else -1
    return mean[::turn], std[::turn]


def check_exportable(model: Any) -> None:
    """Raise MMFanError unless the model is a segmentor that is one function of its pictures."""
    name = type(model).__name__
    if is_detector(model):
        raise MMFanError(
            f"{name} is a detector, and mmfan exports segmentors alone: what mmdetection does behind the network "
            "(proposals, suppression of doubles, pasting of masks) is Python. MMDeploy exports its detectors; "
            "mmfan.adapters.OnnxDetector judges what comes out."
        )
    if is_classifier(model):
        raise MMFanError(
            f"{name} is a classifier, and mmfan exports segmentors alone. Its `network` (of mmpretrain's models the "
            "model itself) is a plain module from normalised pictures to logits, which torch.onnx.export takes; "
            "`mmfan judge --onnx FILE --classification --images DIR --mean R G B --std R G B` judges what comes out."
        )
    if name != "EncoderDecoder" or not hasattr(getattr(model, "decode_head", None), "conv_seg"):
        head = type(getattr(model, "decode_head", None)).__name__
        raise MMFanError(f"Expected an EncoderDecoder whose head gives a score a class, got a {name} with a {head}.")
    if model.decode_head.out_channels == 1:
        raise MMFanError("The head has one output channel and a threshold; mmfan exports heads with a score a class.")
    preprocessor = model.data_preprocessor
    if (preprocessor.test_cfg or {}).get("size"):
        raise ConfigError("data_preprocessor.test_cfg pads to a fixed `size`; mmfan exports `size_divisor` alone.")
    if preprocessor._enable_normalize and preprocessor.mean.numel() != 3:
        raise MMFanError(f"Expected pictures of 3 channels, got means of {preprocessor.mean.numel()}.")
