"""An exported network against the model in PyTorch, on pictures of several sizes."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmseg.structures import SegDataSample
from numpy.typing import NDArray

from mmfan.apis.export.network import PictureNetwork, normalisation_of
from mmfan.apis.export.writing import CURE, INPUT
from mmfan.errors import MMFanError

SIZES = ((1, 128, 160), (2, 200, 136), (1, 97, 355))  # batch, height, width; two that no usual divisor divides
TOLERANCE = 1e-3  # of the largest score; float32 in another order of sums gives 1e-5 to 1e-4
RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino", "torchscript": "torch"}

Run = Callable[[NDArray[Any]], NDArray[Any]]


class Agreement(NamedTuple):
    """How an exported network agrees with the model at one size.

    Attributes:
        size: Batch, height, width.
        pixels: Share of the pixels with the same class.
        difference: Largest difference of two scores, as a share of the largest score. Of class numbers: how far, by
            the model's own scores, the class named lies below the best, at most.
    """

    size: tuple[int, int, int]
    pixels: float
    difference: float


def can_run(form: str) -> bool:
    """Whether what runs a form is installed."""
    return importlib.util.find_spec(RUNTIMES[form]) is not None


def check(form: str, path: Path, network: PictureNetwork, sizes: Sequence[tuple[int, int, int]]) -> list[Agreement]:
    """Compare a file with the model.

    Raises:
        MMFanError: They differ, in shape or by more than :data:`TOLERANCE`, or the network does not run.
    """
    run = {"onnx": _onnx, "openvino": _openvino, "torchscript": _torchscript}[form](path)
    found = []
    for size in sizes:
        pictures = sample(size)
        try:
            output = run(given_to(network, pictures))
        except _errors(form) as error:
            told = " ".join(str(error).split())[-200:]
            head = type(network.model.decode_head).__name__
            raise MMFanError(
                f"The network that was written ({head}) does not run at {_told(size)}: {told} {CURE}"
            ) from error
        agreement = compare(size, output, model_scores(network.model, pictures), network.argmax)
        if not agreement.difference <= TOLERANCE:
            raise MMFanError(
                f"The network that was written is not the model: at {_told(size)} {agreement.pixels:.2%} of the "
                f"pixels agree, and scores differ by {agreement.difference:.2g} of the largest."
            )
        found.append(agreement)
    return found


def sample(size: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Pictures ``(B, H, W, 3)`` to compare on: noise over slopes, the same every time."""
    batch, height, width = size
    rng = np.random.default_rng(height * 10000 + width)
    slope = np.linspace(0, 160, height)[:, None, None] * rng.random((batch, 1, 1, 3))
    slope = slope + np.linspace(0, 60, width)[:, None]
    return (slope + rng.integers(0, 36, (batch, height, width, 3))).astype(np.uint8)


def given_to(network: PictureNetwork, pictures: NDArray[np.uint8]) -> NDArray[Any]:
    """The input array that these RGB pictures are to the network, ``(B, 3, H, W)``."""
    array = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    if not network.normalised:
        return array
    mean, std = (np.array(numbers, np.float32).reshape(-1, 1, 1) for numbers in normalisation_of(network.model))
    return (array.astype(np.float32) - mean) / std


def model_scores(model: Any, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What mmsegmentation makes of the pictures, ``(B, classes, H, W)``: its preprocessing, its post-processing."""
    data: dict[str, list[Any]] = {"inputs": [], "data_samples": []}
    for rgb in pictures:
        data["inputs"].append(torch.from_numpy(rgb[..., ::-1].copy()).permute(2, 0, 1))  # read as BGR
        shape = {"img_shape": rgb.shape[:2], "ori_shape": rgb.shape[:2]}
        data["data_samples"].append(SegDataSample(metainfo=shape))
    before, model.test_cfg = model.test_cfg, copy.deepcopy(model.test_cfg)
    model.test_cfg.mode = "whole"
    try:
        with torch.no_grad():
            found = model.test_step(data)
    finally:
        model.test_cfg = before
    return np.stack([one.seg_logits.data.float().cpu().numpy() for one in found])


def sizes_for(network: PictureNetwork, fixed: tuple[int, int] | None) -> list[tuple[int, int, int]]:
    """Three sizes (batch, height, width) to compare at; of a network of one size, three batches."""
    if fixed is not None:
        return [(batch, *fixed) for batch in (1, 2, 3)]
    asked = (network.model.data_preprocessor.test_cfg or {}).get("size_divisor") or 1
    if asked % network.divisor == 0:
        return list(SIZES)
    # the model refuses what its config does not pad
    step = network.divisor
    return [(batch, -(-height // step) * step, -(-width // step) * step) for batch, height, width in SIZES]


def compare(size: tuple[int, int, int], output: NDArray[Any], scores: NDArray[np.float32], argmax: bool) -> Agreement:
    """Compare an output with the model's scores ``(B, classes, H, W)``.

    Raises:
        MMFanError: It is of another shape.
    """
    expected = (scores.shape[0], *scores.shape[2:]) if argmax else scores.shape
    if output.shape != expected:
        raise MMFanError(f"The network that was written returns {output.shape} at {_told(size)}, not {expected}.")
    labels = output if argmax else output.argmax(1)
    pixels = float((labels == scores.argmax(1)).mean())
    if argmax:
        named = np.take_along_axis(scores, output.astype(np.int64)[:, None], 1)[:, 0]
        difference = scores.max(1) - named
    else:
        difference = np.abs(output - scores)
    return Agreement(size, pixels, float(difference.max() / np.abs(scores).max()))


def _told(size: tuple[int, int, int]) -> str:
    return "{} x 3 x {} x {}".format(*size)


def _errors(form: str) -> tuple[type[Exception], ...]:
    """What a runtime raises of a network that it cannot run at a size."""
    if form != "onnx":
        return (RuntimeError,)
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(one for one in vars(state).values() if isinstance(one, type) and issubclass(one, Exception))


def _onnx(path: Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised, too
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda array: session.run(None, {INPUT: array})[0]


def _openvino(path: Path) -> Run:
    import openvino

    # On some CPUs OpenVINO takes 16-bit numbers by itself.
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda array: np.asarray(compiled([array])[0])


def _torchscript(path: Path) -> Run:
    network = torch.jit.load(str(path))

    def run(array: NDArray[Any]) -> NDArray[Any]:
        with torch.no_grad():
            return network(torch.from_numpy(array)).numpy()

    return run
