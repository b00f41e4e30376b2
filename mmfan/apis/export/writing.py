"""The writers of the three forms; what they write still lies under a temporary name."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmfan.errors import MMFanError

INPUT = "pictures"
OPSET = 18  # of ONNX; read by ONNX Runtime 1.14 and later
METADATA_FILE = "mmfan.json"  # within a TorchScript archive
CURE = (  # of what an exporter refuses, or writes and no runtime runs, as its version has it
    "If its layers ask for the size of a map in Python (pooling to a fixed number of cells, for one), give --size "
    "HEIGHT WIDTH for a network of one size, or export another head."
)


def write_onnx(
    network: nn.Module, example: Tensor, free: bool, path: Path, metadata: Mapping[str, str], opset: int
) -> None:
    """Write ONNX by PyTorch's exporter of today (``dynamo=True``); batch, and height and width if ``free``, are free.

    Raises:
        MMFanError: A package is missing, the exporter cannot follow the network, or does not know ``opset``.
    """
    need("onnx", "onnxscript")
    axes = {0: "batch", **({2: "height", 3: "width"} if free else {})}
    output = "labels" if getattr(network, "argmax", False) else "scores"
    with translating(network), torch.no_grad():
        program: Any = torch.onnx.export(
            network, (example,), dynamo=True, verbose=False, input_names=[INPUT], output_names=[output],
            dynamic_shapes=(axes,), opset_version=opset,
        )  # fmt: skip
        got = program.model.opset_imports.get("")
        if got != opset:  # of a version that it cannot turn to, the exporter says nothing
            raise MMFanError(f"PyTorch's exporter writes operators of version {got}, not {opset}: give --opset {got}.")
        program.model.metadata_props.update(metadata)
        program.save(str(path))


def write_openvino(source: Path, path: Path, metadata: Mapping[str, str]) -> None:
    """Write OpenVINO's form (``.xml`` beside ``.bin``) of a network in ONNX's, all numbers in 32 bits.

    Raises:
        MMFanError: OpenVINO is missing.
    """
    need("openvino")
    import openvino

    network = openvino.convert_model(str(source))
    for key, value in metadata.items():
        network.set_rt_info(value, ["mmfan", key.removeprefix("mmfan.")])
    openvino.save_model(network, str(path), compress_to_fp16=False)


def write_torchscript(network: nn.Module, example: Tensor, path: Path, metadata: Mapping[str, str]) -> None:
    """Write TorchScript, by tracing; the metadata are its file ``mmfan.json``.

    Raises:
        MMFanError: The tracer cannot follow the network.
    """
    content = io.BytesIO()
    with translating(network), torch.no_grad():
        traced = torch.jit.trace(network, example, check_trace=False)
        torch.jit.save(traced, content, _extra_files={METADATA_FILE: json.dumps(dict(metadata))})
    path.write_bytes(content.getbuffer())


def need(*packages: str) -> None:
    """Raise MMFanError unless these packages can be imported."""
    import importlib.util

    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MMFanError(f"This needs {' and '.join(missing)}: pip install {' '.join(missing)}")


@contextlib.contextmanager
def translating(network: nn.Module) -> Iterator[None]:
    """Without what exporters tell their own developers; their errors become one that names the head and the cure."""
    model = getattr(network, "model", network)
    head = type(getattr(model, "decode_head", model)).__name__
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _errors() as error:
        told = " ".join(str(error).split())[:300]
        raise MMFanError(f"PyTorch's exporter cannot follow {head}: {told} {CURE}") from error
    finally:
        logging.disable(before)


def _errors() -> tuple[type[Exception], ...]:
    """What exporters raise of networks that they cannot follow."""
    own: Any = getattr(torch.onnx, "OnnxExporterError", None)
    return (*([own] if own else []), RuntimeError, TypeError, NotImplementedError, torch._dynamo.exc.UserError)
