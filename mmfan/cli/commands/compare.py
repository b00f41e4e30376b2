"""Draw a few test pictures beside their truth and a model's prediction, into one PNG.

    mmfan infer --compare fan_segformer_mini work_dirs/demo/iter_700.pth --out pictures.png
    mmfan infer --compare CONFIG CHECKPOINT --out pictures.png --limit 8 --device cpu

The pictures are taken at even distances from the config's test set.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmfan.cli.console import add_output_options, own_console
from mmfan.cli.options import add_config, add_device, add_limit, make_command_parser


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    add_config(parser, "checkpoint file of a training run")
    parser.add_argument("--out", type=Path, required=True, metavar="PNG", help="file to write")
    add_limit(parser, "number of pictures (default: 4)", default=4, formerly=["--count"])
    add_device(parser)
    add_output_options(parser)
    return parser


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what cannot be."""
    if args.out.suffix.lower() != ".png":
        parser.error(f"argument --out: expected a name that ends in .png, got {args.out}")


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Build the model, predict, draw."""
    check_arguments(parser, args)
    with own_console(parser.prog, args):
        return compare(args)


def compare(args: argparse.Namespace) -> int:
    """Do that, with the console of commands; the exit status."""
    from mmfan.apis import init_model, load_config
    from mmfan.apis.inference import predicted_rows
    from mmfan.visualization import model_grid, save_picture

    model = init_model(load_config(args.config), args.checkpoint, args.device)
    rows = predicted_rows(model, args.limit)
    meta = model.dataset_meta
    print(save_picture(args.out, model_grid(rows, ["prediction"], meta["classes"], meta["palette"])))
    return 0
