"""Networks run by OpenVINO, as models that are judged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.classes import Names
from mmfan.adapters.exported import ExportedSegmentor, Port, check_file, choose_output, the_input
from mmfan.adapters.exported_detector import ExportedDetector
from mmfan.adapters.exported_facts import FACTS
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data


class OpenVinoSegmentor(ExportedSegmentor):
    """A segmentor in OpenVINO's format, or in another that OpenVINO reads, as ``predict`` of ``judge``.

    Input and output may have the forms of :class:`OnnxSegmentor`. A file that ``mmfan export`` wrote says its classes
    and its normalisation itself: the former are matched by name, another ``preprocessing`` is refused. What is compiled
    already no longer says them.

    Args:
        model: The file (``.xml``, ``.onnx``), or an ``openvino.CompiledModel``.
        data: What it is judged on, or the names of its classes.
        preprocessing: What the network expects of a picture. A size that the network fixes need not be given.
        classes: Names of the network's classes, where they are others than the data's, or in another order, and the
            file does not say so.
        rename: See :class:`ClassFit`.
        layout: ``'NCHW'`` or ``'NHWC'``, where the shape of the input does not say it.
        output: Name of the output, where there are several.
        device: What computes, as OpenVINO names it.

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
        device: str = "CPU",
    ) -> None:
        self.network, facts = _compiled(model, device) if isinstance(model, (str, os.PathLike)) else (model, {})
        names = [_name(one, number) for number, one in enumerate(self.network.outputs)]
        self.output = names.index(choose_output(names, output))
        super().__init__(_port(self.network.inputs), self._run, data, preprocessing, classes, rename, layout, facts)

    def _run(self, batch: NDArray[Any]) -> Any:
        return self.network([batch])[self.network.outputs[self.output]]


class OpenVinoDetector(ExportedDetector):
    """A detector in OpenVINO's format, or in another that OpenVINO reads, as ``predict`` of ``judge``.

    Input, outputs and arguments are those of :class:`~mmfan.adapters.OnnxDetector`, but for:

    Args:
        model: The file (``.xml``, ``.onnx``), or an ``openvino.CompiledModel``.
        device: What computes, as OpenVINO names it.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: As there.
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
        device: str = "CPU",
    ) -> None:
        self.network = _compiled(model, device)[0] if isinstance(model, (str, os.PathLike)) else model
        self.names = [_name(one, number) for number, one in enumerate(self.network.outputs)]
        super().__init__(
            _port(self.network.inputs), self._run, self.names, data, preprocessing, classes, rename, layout, outputs,
            form, relative, threshold,
        )  # fmt: skip

    def _run(self, batch: NDArray[Any], names: Sequence[str]) -> Any:
        found = self.network([batch])
        return [found[self.network.outputs[self.names.index(name)]] for name in names]


def _compiled(path: str | os.PathLike[str], device: str) -> tuple[Any, dict[str, str]]:
    """The network of a file, and what `mmfan export` wrote into it."""
    check_file(path)
    import openvino

    core = openvino.Core()
    try:
        network = core.read_model(os.fspath(path))
        return core.compile_model(network, device), _facts(network)
    except RuntimeError as error:
        raise MMFanError(f"{path} is no network that OpenVINO runs on {device}: {error}") from error


def _facts(network: Any) -> dict[str, str]:
    """What `mmfan export` wrote: of OpenVINO's form under "mmfan"; metadata of ONNX's are read to "framework"."""
    found = {}
    for name in FACTS:
        for place in (["mmfan", name], ["framework", f"mmfan.{name}"]):
            if network.has_rt_info(place):
                found[f"mmfan.{name}"] = network.get_rt_info(place).astype(str)
                break
    return found


def _name(port: Any, number: int) -> str:
    """The name of an input or output, which may have none."""
    return next(iter(sorted(port.get_names())), str(number))


def _port(inputs: Sequence[Any]) -> Port:
    own = the_input(inputs)
    sides = own.get_partial_shape()
    if sides.rank.is_dynamic:
        raise MMFanError("Expected a network whose input has four axes, got one of any number.")
    shape = tuple(None if side.is_dynamic else side.get_length() for side in sides)
    return Port(_name(own, 0), shape, np.dtype(own.get_element_type().to_dtype()))
