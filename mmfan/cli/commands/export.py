"""Write a trained segmentor as ONNX, OpenVINO or TorchScript, for use without mmfan and OpenMMLab.

    mmfan export fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth model.onnx
    mmfan export CONFIG CHECKPOINT model.xml --argmax

The network takes RGB pictures of any batch, height and width as bytes, (N, 3, H, W), and returns class scores
(N, classes, H, W) of the same size. What is written is compared with the model at three sizes, where ONNX Runtime,
OpenVINO or PyTorch can run it, and is not kept if it differs. Exit status 2: a mistake in the command, a model that
cannot be exported, or an existing target; 1: what was written is not the model.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mmfan.cli.console import add_output_options, own_console
from mmfan.cli.options import add_config, make_command_parser, whole


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    add_config(parser, "checkpoint file of a training run")
    parser.add_argument("target", type=Path, help="file to write: NAME.onnx, NAME.xml (OpenVINO) or NAME.pt")
    parser.add_argument(
        "--to", choices=("onnx", "openvino", "torchscript"), help="the form (default: by the ending of the target)"
    )
    parser.add_argument("--argmax", action="store_true", help="return class numbers (N, H, W) in the place of scores")
    parser.add_argument(
        "--normalised", action="store_true", help="take normalised floats (default: bytes, normalised by the network)"
    )
    parser.add_argument(
        "--size", nargs=2, type=whole(1), metavar=("H", "W"), help="a network of one size (default: of any size)"
    )
    parser.add_argument("--opset", type=whole(17), default=18, metavar="N", help="of ONNX (default: %(default)s)")
    parser.add_argument(
        "--check", action=argparse.BooleanOptionalAction, help="compare with the model (default: where that can be run)"
    )
    parser.add_argument("--force", action="store_true", help="replace the target if it exists")
    add_output_options(parser)
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Build, write, check."""
    if args.target.exists() and not args.force:
        parser.error(f"{args.target} exists; --force replaces it")
    weights = args.target.with_suffix(".bin")  # which an .xml goes with
    if args.target.suffix.lower() == ".xml" and weights.exists() and not args.force:
        parser.error(f"{weights}, which would be written beside {args.target.name}, exists; --force replaces it")
    with own_console(parser.prog, args):
        from mmfan.apis import init_model, load_config
        from mmfan.apis.export import export_model
        from mmfan.apis.export.export import form_of

        form = form_of(args.target, args.to)
        model = init_model(load_config(args.config), args.checkpoint, "cpu")
        if (getattr(model, "test_cfg", None) or {}).get("mode") == "slide":
            print("The config cuts large pictures into windows; the network takes each picture as a whole.")
        done = export_model(
            model, args.target, form, argmax=args.argmax, normalised=args.normalised, size=args.size,
            opset=args.opset, check_it=args.check,
        )  # fmt: skip
        for one in done.checked:
            told = "{} x 3 x {} x {}".format(*one.size)
            print(f"{told}: {one.pixels:.3%} of the pixels agree, scores to {one.difference:.1e} of the largest")
        if not done.checked:
            print("Not checked against the model.")
        classes = len(json.loads(done.metadata["mmfan.classes"]))
        size = sum(path.stat().st_size for path in done.files)
        print(f"{', '.join(map(str, done.files))}: {classes} classes, {size / 1e6:.1f} MB")
    return 0
