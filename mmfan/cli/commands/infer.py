"""Segment, detect or classify pictures of your own, and write each one with what was found in it.

    mmfan infer fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth street.jpg
    mmfan infer CONFIG CHECKPOINT photos/ --out painted --labels --opacity 0.6

Segmentors paint areas and a legend of their classes, detectors boxes and masks with names and scores; classifiers write
their answer below the picture. A folder stands for the pictures directly in it. Exit status: 2 for a mistake in the
command, 1 if a picture could not be read or predicted: the others are still done, and the failed ones are listed at the
end.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mmfan.cli.console import add_output_options, own_console
from mmfan.cli.options import add_config, add_device, add_option, fraction, make_command_parser
from mmfan.errors import MMFanError
from mmfan.utils.files import write_whole
from mmfan.utils.text import counted, shortlist


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    add_config(parser, "checkpoint file of a training run")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="picture file, or a folder of them")
    add_option(
        parser, "--out", formerly=["--out-dir"], type=Path, default=Path("work_dirs/predictions"), metavar="DIR",
        help="where to (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--labels",
        action="store_true",
        help="also write each label map as NAME_labels.png; objects, or the five most likely classes, as NAME.json",
    )
    add_device(parser)
    parser.add_argument("--opacity", type=fraction, default=0.5, help="of the colours, 0 to 1 (default: 0.5)")
    parser.add_argument(
        "--score-thr", type=fraction, default=0.3, help="least score of an object, 0 to 1 (default: 0.3)"
    )
    add_output_options(parser)
    return parser


def segment(model: Any, path: Path, picture: np.ndarray, target: Path, args: argparse.Namespace) -> None:
    """Write the picture painted with its label map, and the label map."""
    from mmfan.apis.inference import predict
    from mmfan.visualization import overlay, save_picture, with_legend

    classes, palette = model.dataset_meta["classes"], model.dataset_meta["palette"]
    labels = predict(model, path)
    painted = overlay(picture[..., ::-1], labels, palette, args.opacity)
    save_picture(target, with_legend(painted, labels, classes, palette))
    if args.labels:
        save_picture(target.with_name(f"{target.stem}_labels.png"), labels)


def find(model: Any, path: Path, picture: np.ndarray, target: Path, args: argparse.Namespace) -> None:
    """Write the picture with the objects found in it, and the objects."""
    from mmfan.apis.detection import detect
    from mmfan.visualization import save_picture
    from mmfan.visualization.coco_results import as_coco_results
    from mmfan.visualization.detections import paint_detections

    found = detect(model, path, args.score_thr)
    save_picture(target, paint_detections(picture[..., ::-1], found, model.dataset_meta, args.opacity))
    if args.labels:
        objects = as_coco_results(found, target.stem, names=model.dataset_meta["classes"])
        write_whole(target.with_suffix(".json"), (json.dumps(objects) + "\n").encode())


def classify(model: Any, path: Path, picture: np.ndarray, target: Path, args: argparse.Namespace) -> None:
    """Write the picture above the name of its class, and the most likely classes."""
    from mmfan.apis.classification import classify as classes_of
    from mmfan.visualization import captioned, save_picture

    found = classes_of(model, path)
    save_picture(target, captioned(picture[..., ::-1], f"{found[0][0]} {100 * found[0][1]:.0f} %"))
    if args.labels:
        entries = [{"class": name, "score": score} for name, score in found]
        write_whole(target.with_suffix(".json"), (json.dumps(entries) + "\n").encode())


def predict_file(model: Any, path: Path, args: argparse.Namespace) -> Path:
    """Read a picture, predict, and write what was found; where it went."""
    from mmfan.apis.classification import is_classifier
    from mmfan.apis.detection import is_detector
    from mmfan.apis.inference import read_picture

    picture, target = read_picture(path), args.out / f"{path.stem}.png"
    do = find if is_detector(model) else classify if is_classifier(model) else segment
    do(model, path, picture, target, args)
    return target


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Build the model, then read, predict and write picture by picture."""
    with own_console(parser.prog, args):
        return infer(args, parser)


def infer(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Do that, with the console of commands; the exit status."""
    import cv2

    from mmfan.apis import init_model, load_config
    from mmfan.apis.inference import find_pictures

    # What a picture of an odd size raises inside a model or a pipeline; the others are still done.
    model_problems = (ArithmeticError, AssertionError, IndexError, RuntimeError, cv2.error)
    pictures = find_pictures(args.pictures)
    model = init_model(load_config(args.config), args.checkpoint, args.device)
    failed: list[Path] = []
    for path in pictures:
        try:
            target = predict_file(model, path, args)
        except (ValueError, OSError, *model_problems) as error:
            failed.append(path)
            if len(failed) == len(pictures) and not isinstance(error, (MMFanError, OSError)):
                raise  # nothing worked: it is not the picture
            print(f"{parser.prog}: error: {path}: {' '.join(str(error).split())}", file=sys.stderr)
        else:
            print(f"{path} -> {target}", flush=True)
    if failed:
        listed = shortlist([str(path) for path in failed], 20)
        print(f"{parser.prog}: {len(failed)} of {counted(len(pictures), 'picture')} failed: {listed}", file=sys.stderr)
    return 1 if failed else 0
