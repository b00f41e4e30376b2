"""Networks in ONNX's format, run by ONNX Runtime, as models that are judged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.classes import Names
from mmfan.adapters.exported import ExportedSegmentor, Port, check_file, choose_output, the_input
from mmfan.adapters.exported_classifier import ExportedClassifier
from mmfan.adapters.exported_detector import ExportedDetector
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data

DTYPES = {"float": "float32", "float16": "float16", "double": "float64", "uint8": "uint8"}
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")  # TensorRT's would compile for minutes


class OnnxSegmentor(ExportedSegmentor):
    """A segmentor in ONNX's format, as ``predict`` of ``judge``.

    Layout, size and type of the input are read from the network: (N, 3, H, W) or (N, H, W, 3), fixed or free, floats
    of 16, 32 or 64 bits or bytes. Its output may be scores, (N, C, h, w) or (N, h, w, C) floats, or class numbers,
    (N, h, w), (N, 1, h, w) or (N, h, w, 1) integers, in any size. What ``mmfan export`` wrote says its classes and its
    normalisation itself: the former are matched by name, another ``preprocessing`` is refused.

    Args:
        model: The file, or an ``onnxruntime.InferenceSession``.
        data: What it is judged on, or the names of its classes.
        preprocessing: What the network expects of a picture. A size that the network fixes need not be given.
        classes: Names of the network's classes, where they are others than the data's, or in another order, and the
            file does not say so.
        rename: See :class:`ClassFit`.
        layout: ``'NCHW'`` or ``'NHWC'``, where the shape of the input does not say it.
        output: Name of the output, where there are several.
        providers: What computes; CUDA where ONNX Runtime has it, then the CPU.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The file is no network, or the classes, the input or the preprocessing do not fit; called, so does
            the output.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Any,
        data: Data | Sequence[str],
        preprocessing: Preprocessing | None = None,
        *,
        classes: Names | None = None,
        rename: Mapping[str, str] | None = None,
        layout: str | None = None,
        output: str | None = None,
        providers: Sequence[Any] | None = None,
    ) -> None:
        self.session = open_session(model, providers) if isinstance(model, (str, os.PathLike)) else model
        names = [one.name for one in self.session.get_outputs()]
        self.output = choose_output(names, output)
        facts = self.session.get_modelmeta().custom_metadata_map
        port = _port(self.session.get_inputs())
        super().__init__(port, self._run, data, preprocessing, classes, rename, layout, facts)

    def _run(self, batch: NDArray[Any]) -> Any:
        return self.session.run([self.output], {self.port.name: batch})[0]


class OnnxClassifier(ExportedClassifier):
    """A classifier in ONNX's format, as ``predict`` of ``judge``; its output is logits or probabilities (N, K).

    Args:
        model: The file, or an ``onnxruntime.InferenceSession``.
        preprocessing: What the network expects of a picture. A size that the network fixes need not be given.
        layout: ``'NCHW'`` or ``'NHWC'``, where the shape of the input does not say it.
        output: Name of the output, where there are several.
        providers: See :class:`OnnxSegmentor`.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The file is no network, or the input or the preprocessing do not fit; called, so does the output.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Any,
        preprocessing: Preprocessing | None = None,
        *,
        layout: str | None = None,
        output: str | None = None,
        providers: Sequence[Any] | None = None,
    ) -> None:
        self.session = open_session(model, providers) if isinstance(model, (str, os.PathLike)) else model
        self.output = choose_output([one.name for one in self.session.get_outputs()], output)
        super().__init__(_port(self.session.get_inputs()), self._run, preprocessing, layout)

    def _run(self, batch: NDArray[Any]) -> Any:
        return self.session.run([self.output], {self.port.name: batch})[0]


class OnnxDetector(ExportedDetector):
    """A detector in ONNX's format, as ``predict`` of ``judge``.

    The input is read from the network as :class:`OnnxSegmentor` does, or is one picture, (3, H, W), as torchvision
    exports its detectors. Outputs are found by their names: ``boxes`` (N, 4), ``scores`` (N,), ``labels`` (N,) and
    perhaps ``masks`` (N, H, W) or (N, 1, H, W), each perhaps behind an axis of the batch (torchvision); ``dets``
    (B, N, 5), the score last, with ``labels`` (MMDeploy); one output (B, N, 6) of box, score and label (exports that
    end with their own suppression of doubles). Rows with a negative label or a score of 0 fill up and are left out.

    Args:
        model: The file, or an ``onnxruntime.InferenceSession``.
        data: What it is judged on, or the names of its classes.
        preprocessing: What the network expects of a picture. A size that the network fixes need not be given; boxes are
            brought back from it.
        classes: Names of the network's classes, in the order of its labels (a background counts as one).
        rename: See :class:`ClassFit`.
        layout: ``'NCHW'`` or ``'NHWC'``, where the shape of the input does not say it.
        outputs: ``{"boxes": NAME, "scores": NAME, "labels": NAME, "masks": NAME}`` where the names are others.
        form: Of the boxes: ``'xyxy'``, ``'xywh'`` or ``'cxcywh'``.
        relative: Boxes are shares of the input's width and height.
        threshold: What a mask's probability must exceed.
        providers: See :class:`OnnxSegmentor`.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The file is no network, or the classes, the input, the outputs or the preprocessing do not fit;
            called, so does what comes out.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Any,
        data: Data | Sequence[str],
        preprocessing: Preprocessing | None = None,
        *,
        classes: Names | None = None,
        rename: Mapping[str, str] | None = None,
        layout: str | None = None,
        outputs: Mapping[str, str] | None = None,
        form: str = "xyxy",
        relative: bool = False,
        threshold: float = 0.5,
        providers: Sequence[Any] | None = None,
    ) -> None:
        self.session = open_session(model, providers) if isinstance(model, (str, os.PathLike)) else model
        names = [one.name for one in self.session.get_outputs()]
        super().__init__(
            _port(self.session.get_inputs()), self._run, names, data, preprocessing, classes, rename, layout, outputs,
            form, relative, threshold,
        )  # fmt: skip

    def _run(self, batch: NDArray[Any], names: Sequence[str]) -> Any:
        return self.session.run(list(names), {self.port.name: batch})


def open_session(path: str | os.PathLike[str], providers: Sequence[Any] | None = None) -> Any:
    """An ``onnxruntime.InferenceSession``.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: It is no network that ONNX Runtime runs.
    """
    check_file(path)
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    errors = tuple(one for one in vars(state).values() if isinstance(one, type) and issubclass(one, Exception))
    there = onnxruntime.get_available_providers()
    try:
        return onnxruntime.InferenceSession(
            os.fspath(path), providers=list(providers or [one for one in PROVIDERS if one in there])
        )
    except errors as error:
        raise MMFanError(f"{path} is no network that ONNX Runtime {onnxruntime.__version__} runs: {error}") from error


def _port(inputs: Sequence[Any]) -> Port:
    own = the_input(inputs)
    kind = own.type.removeprefix("tensor(").removesuffix(")")
    if kind not in DTYPES:
        raise MMFanError(f"Expected the network to take floats or bytes (uint8), got {own.type} of {own.name!r}.")
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in own.shape or ())
    return Port(own.name, shape, np.dtype(DTYPES[kind]))
