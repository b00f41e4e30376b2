"""``mmfan judge --onnx``: a network in ONNX's format on folders of pictures; needs ONNX Runtime, and no OpenMMLab."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from mmfan.cli.commands.judge.function import Model, judge_function, preprocessing_given, with_weights
from mmfan.cli.options import whole
from mmfan.errors import MMFanError

# What a config's form has and this one has not: attribute of the arguments -> the words of the command line.
OF_CONFIGS = {
    "config": "CONFIG", "checkpoint": "CHECKPOINT", "source": "--source", "corrupted_root": "--corrupted-root",
    "dry_run": "--dry-run", "amp": "--amp", "tta": "--tta", "cfg_options": "--cfg-options", "precision": "--precision",
    "windows": "--windows", "compile": "--compile", "calibration": "--calibration",
}  # fmt: skip
# ... and the other way round.
NEEDED = {"images": "--images", "labels": "--labels"}
OWN = {
    **NEEDED, "classes": "--classes",
    "mean": "--mean", "std": "--std", "white": "--white", "bgr": "--bgr", "size": "--size",
    "divisor": "--divisor", "image_suffix": "--image-suffix", "label_suffix": "--label-suffix",
    "ignore_index": "--ignore-index", "reduce_zero_label": "--reduce-zero-label",
}  # fmt: skip


def add_onnx_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--onnx`` and what it needs in the place of a config."""
    group = parser.add_argument_group("a network in the place of CONFIG CHECKPOINT (segmentation; needs onnxruntime)")
    group.add_argument("--onnx", metavar="FILE", help="the network")
    group.add_argument("--images", metavar="DIR", help="folder of the pictures")
    group.add_argument("--labels", metavar="DIR", help="folder of the label maps, with the same paths below it")
    group.add_argument(
        "--classes", metavar="FILE",
        help="names of the classes, one a line, in the network's order (default: those `mmfan export` wrote into it)",
    )  # fmt: skip
    group.add_argument("--mean", nargs=3, type=float, metavar=("R", "G", "B"), help="subtracted from the picture")
    group.add_argument("--std", nargs=3, type=float, metavar=("R", "G", "B"), help="then divided by")
    group.add_argument(
        "--white", type=int, choices=(1, 255), help="what 255 becomes before --mean and --std (default: 1)"
    )
    group.add_argument("--bgr", action="store_true", help="the network wants blue first")
    group.add_argument("--size", nargs=2, type=whole(1), metavar=("H", "W"), help="resize pictures to this")
    group.add_argument("--divisor", type=whole(1), metavar="N", help="pad pictures to multiples of this")
    group.add_argument("--image-suffix", metavar="END", help="end of the pictures' names, as _leftImg8bit.png")
    group.add_argument("--label-suffix", metavar="END", help="end of the label maps' names")
    group.add_argument("--ignore-index", type=whole(0), metavar="N", help="label that does not count (default: 255)")
    group.add_argument("--reduce-zero-label", action="store_true", help="label 0 does not count, 1 is the first class")


def check_form(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse options of the one form beside the other."""
    if args.onnx is None:
        given = [words for name, words in OWN.items() if getattr(args, name)]
        if given:
            parser.error(f"{', '.join(given)} {'is' if len(given) == 1 else 'are'} for --onnx FILE")
        if args.config is None:
            parser.error("the following arguments are required: config (or --onnx FILE)")
        return
    given = [words for name, words in OF_CONFIGS.items() if getattr(args, name)]
    if given or args.launcher != "none":
        parser.error(f"{', '.join(given or ['--launcher'])} cannot stand beside --onnx")
    missing = [words for name, words in NEEDED.items() if not getattr(args, name)]
    if missing:
        parser.error(f"--onnx needs {', '.join(missing)} too")


def read_classes(path: str) -> list[str]:
    """The names in a file, one a line; empty lines do not count.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: It is no text, or empty.
    """
    try:
        names = [line.strip() for line in Path(path).read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise MMFanError(f"{path} is no text in UTF-8: expected names of classes, one a line.") from error
    if not any(names):
        raise MMFanError(f"{path} names no class: expected one a line.")
    return [name for name in names if name]


def classes_within(session: Any, path: Path) -> list[str]:
    """The names that `mmfan export` wrote into a network.

    Raises:
        MMFanError: There are none.
    """
    names = session.get_modelmeta().custom_metadata_map.get("mmfan.classes")
    if names is None:
        raise MMFanError(f"{path} does not name its classes: give them by --classes FILE, one a line.")
    return [str(name) for name in json.loads(names)]


def judge_onnx(args: argparse.Namespace, parser: argparse.ArgumentParser, results_name: str) -> int:
    """Read, judge, print; the exit status."""
    from mmfan.adapters import OnnxSegmentor, Preprocessing
    from mmfan.adapters.onnx_runtime import open_session
    from mmfan.evaluation.function import SegmentationData
    from mmfan.evaluation.results.hashes import config_hash, file_hash

    preprocessing = Preprocessing(**preprocessing_given(args), bgr=args.bgr)
    network = Path(args.onnx)
    classes = None if args.classes is None else read_classes(args.classes)
    session = open_session(network)
    data = SegmentationData(
        args.images,
        args.labels,
        classes_within(session, network) if classes is None else classes,
        ignore_index=255 if args.ignore_index is None else args.ignore_index,
        reduce_zero_label=args.reduce_zero_label,
        root=args.picture_root,
        image_suffix=args.image_suffix,
        label_suffix=args.label_suffix,
    )
    hashes = [file_hash(path) for path in with_weights(network)]
    version = config_hash(hashes, dataclasses.asdict(preprocessing))
    model = Model(OnnxSegmentor(session, data, preprocessing), network.stem, version)
    return judge_function(args, parser, model, data, "kamann16", results_name)
