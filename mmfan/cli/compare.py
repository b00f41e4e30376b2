"""Draw a few test pictures beside their truth and a model's prediction, into one PNG.

    python tools/show_predictions.py configs/fan_segformer_mini.py work_dirs/demo/iter_700.pth --out pictures.png
    python tools/show_predictions.py CONFIG CHECKPOINT --out pictures.png --count 8 --device cpu

The pictures are taken at even distances from the config's test set.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmfan.apis import init_model, load_config
from mmfan.apis.inference import predicted_rows
from mmfan.cli.options import exits_on_problem
from mmfan.visualization import model_grid, save_picture


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file of a training run")
    parser.add_argument("--out", type=Path, required=True, metavar="PNG", help="file to write")
    parser.add_argument("--count", type=int, default=4, help="number of pictures (default: 4)")
    parser.add_argument("--device", help="cpu, cuda:0, ... (default: a GPU if there is one)")
    return parser


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what cannot be."""
    if args.count < 1:
        parser.error(f"argument --count: expected at least 1, got {args.count}")
    if args.out.suffix.lower() != ".png":
        parser.error(f"argument --out: expected a name that ends in .png, got {args.out}")


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Build the model, predict, draw."""
    check_arguments(parser, args)
    with exits_on_problem(parser.prog, code=2):
        model = init_model(load_config(args.config), args.checkpoint, args.device)
        rows = predicted_rows(model, args.count)
    meta = model.dataset_meta
    print(save_picture(args.out, model_grid(rows, ["prediction"], meta["classes"], meta["palette"])))
    return 0
