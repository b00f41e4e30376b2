"""The export of a segmentor: written under a temporary name, compared with the model, and only then moved."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from mmfan.apis.export.checking import Agreement, can_run, check, sizes_for
from mmfan.apis.export.network import PictureNetwork, normalisation_of
from mmfan.apis.export.writing import OPSET, write_onnx, write_openvino, write_torchscript
from mmfan.errors import MMFanError
from mmfan.evaluation.results.hashes import config_hash, file_hash
from mmfan.utils.files import part_folder
from mmfan.version import __version__

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt"}
# Several windows along both axes at stride 32, so that nothing is taken for one that is one by chance.
EXAMPLE = (2, 3, 480, 544)


class Exported(NamedTuple):
    """What was written, and how it agrees with the model.

    Attributes:
        files: The network, and what belongs to it.
        metadata: What is written into it.
        checked: One agreement a size; empty where it was not checked.
    """

    files: list[Path]
    metadata: dict[str, str]
    checked: list[Agreement]


def export_model(
    model: Any,
    target: str | os.PathLike[str],
    to: str | None = None,
    *,
    argmax: bool = False,
    normalised: bool = False,
    size: Sequence[int] | None = None,
    opset: int = OPSET,
    check_it: bool | None = None,
) -> Exported:
    """Write a segmentor as a network that needs neither mmfan nor OpenMMLab.

    It takes pictures ``(B, 3, H, W)`` of any batch, height and width and returns class scores ``(B, classes, H, W)`` of
    the same size, as mmsegmentation's whole-picture mode has them behind its post-processing.

    Args:
        model: From :func:`mmfan.apis.init_model`, on the CPU.
        target: File to write.
        to: ``'onnx'``, ``'openvino'`` or ``'torchscript'``; None for what the ending of ``target`` says.
        argmax: Return class numbers ``(B, H, W)``, uint8, in the place of scores.
        normalised: Take normalised floats; otherwise RGB bytes (uint8), which the network normalises.
        size: ``(H, W)``, for a network of one size.
        opset: Version of ONNX's operators.
        check_it: Compare what was written with the model, at three sizes; None: where what runs it is installed.

    Returns:
        The files, their metadata, and how they agree.

    Raises:
        MMFanError: The model cannot be exported, a package is missing, or what was written is not the model; nothing
            is at ``target`` then that was not there before.
    """
    target = Path(target)
    form = form_of(target, to)
    network = PictureNetwork(model, normalised, argmax).eval()
    fixed = None if size is None else (int(size[0]), int(size[1]))
    metadata = metadata_of(network, fixed, opset if form != "torchscript" else None)
    checking = can_run(form) if check_it is None else check_it
    if checking and not can_run(form):
        raise MMFanError(f"What runs {form} is not installed, so it cannot be checked.")
    example = torch.zeros(EXAMPLE if fixed is None else (2, 3, *fixed), dtype=torch.float32)
    example = example if normalised else example.to(torch.uint8)
    with part_folder(target) as folder:
        part = folder / target.name
        if form == "torchscript":
            write_torchscript(network, example, part, metadata)
        else:
            onnx = part if form == "onnx" else part.with_suffix(".onnx")
            write_onnx(network, example, fixed is None, onnx, metadata, opset)
            if form == "openvino":
                write_openvino(onnx, part, metadata)
                onnx.unlink()
        checked = check(form, part, network, sizes_for(network, fixed)) if checking else []
        # what a network reads beside itself comes first
        parts = sorted(folder.iterdir(), key=lambda path: path == part)
        if len(parts) > 1:  # killed between them, no old network is left that would read the new weights
            target.unlink(missing_ok=True)
        for path in parts:
            path.replace(target.parent / path.name)
    return Exported([target.parent / path.name for path in reversed(parts)], metadata, checked)


def form_of(target: Path, to: str | None) -> str:
    """The form that is asked for, by name or by the ending of the file.

    Raises:
        MMFanError: There is none of this name or ending, or they contradict each other.
    """
    if to is not None and to not in SUFFIXES:
        raise MMFanError(f"Expected one of {', '.join(SUFFIXES)}, got {to!r}.")
    by_name = {suffix: form for form, suffix in SUFFIXES.items()}.get(target.suffix.lower())
    if by_name is None or to not in (None, by_name):
        endings = f"the ending {SUFFIXES[to]} for {to}" if to else f"one of the endings {', '.join(SUFFIXES.values())}"
        raise MMFanError(f"Expected {endings}, got {target}.")
    return by_name


def metadata_of(network: PictureNetwork, fixed: tuple[int, int] | None, opset: int | None) -> dict[str, str]:
    """What is written into a network, as texts; lists are JSON."""
    model = network.model
    mean, std = normalisation_of(model)
    facts: dict[str, Any] = {
        "version": __version__,
        "classes": list(model.dataset_meta["classes"]),
        "palette": [list(map(int, colour)) for colour in model.dataset_meta.get("palette") or []],
        "input": "RGB, normalised" if network.normalised else "RGB, 0 to 255",
        "mean": mean,
        "std": std,
        "output": "labels" if network.argmax else "scores",
        "divisor": network.divisor,
        "size": list(fixed or []),
        "config": os.path.basename(model.cfg.filename or ""),
        "config_hash": config_hash(model.cfg.model, model.cfg.get("test_pipeline", [])),
        "checkpoint": os.path.basename(model.checkpoint or ""),
        "checkpoint_hash": file_hash(model.checkpoint) if model.checkpoint and os.path.isfile(model.checkpoint) else "",
        "torch": torch.__version__,
        **({} if opset is None else {"opset": opset}),
    }
    return {f"mmfan.{key}": fact if isinstance(fact, str) else json.dumps(fact) for key, fact in facts.items()}
