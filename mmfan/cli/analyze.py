"""Look inside one or several models: which frequencies, tokens and blocks carry what they see?

    python tools/analyze.py fourier configs/fan_segformer_mini.py work_dirs/fan_segformer_mini/iter_700.pth
    python tools/analyze.py cka CONFIG CHECKPOINT --model OTHER_CONFIG:OTHER_CHECKPOINT --cell fog:3 --limit 16

Works with any config of mmsegmentation or mmdetection, on pictures of its test set. Each analysis writes WHAT.json and
WHAT.png; docs/analysis.md says what each one asks and computes. `python tools/analyze.py WHAT --help` lists its
options. Without a checkpoint the weights are random, and the figure says so. Exit status: 2 for a mistake in the
command, config or checkpoint, and for an analysis that the model or the pictures do not allow.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mmfan.analysis.catalogue import ANALYSES, get_analysis
from mmfan.analysis.context import Context, load_context, make_document, parse_cell, to_json
from mmfan.cli.options import exits_on_problem
from mmfan.utils.files import write_whole
from mmfan.visualization.files import save_picture
from mmfan.visualization.style import draw

OWN = ("what", "config", "checkpoint", "model", "out", "limit", "seed", "cell", "crop", "taps", "device", "labels")


class LazyParser(argparse.ArgumentParser):
    """The command line of one analysis, whose options are loaded when it is the chosen one."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Load the options, then parse."""
        spec = get_analysis(self.prog.split()[-1])
        _add_common(self, spec.pictures)
        spec.add_arguments(self.add_argument_group(f"options of {spec.name}"))
        return super().parse_known_args(args, namespace)


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; options of an analysis are loaded for the chosen one alone."""
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    analyses = parser.add_subparsers(dest="what", metavar="WHAT", required=True, parser_class=LazyParser)
    for name, (_, asks) in ANALYSES.items():
        analyses.add_parser(name, help=asks, description=asks)
    return parser


def _add_common(parser: argparse.ArgumentParser, pictures: int) -> None:
    parser.add_argument("config", help="config file, of mmfan, mmsegmentation or mmdetection")
    parser.add_argument("checkpoint", nargs="?", help="checkpoint file (default: random weights)")
    parser.add_argument(
        "--model", action="append", default=[], metavar="CONFIG[:CHECKPOINT]", help="another model for the same figure"
    )
    parser.add_argument("--labels", nargs="+", metavar="NAME", help="names of the models (default: of their configs)")
    parser.add_argument("--out", default="work_dirs/analysis", metavar="DIR", help="folder of the results")
    parser.add_argument("--limit", type=int, default=pictures, metavar="N", help=f"pictures (default: {pictures})")
    parser.add_argument("--seed", type=int, default=0, help="seed of corruptions and of all that is drawn")
    parser.add_argument("--cell", default="clean", metavar="NAME:SEVERITY", help="corrupt the pictures, e.g. fog:3")
    parser.add_argument("--crop", type=int, metavar="N", help="look at the central N x N pixels alone")
    parser.add_argument("--taps", nargs="+", metavar="NAME", help="places to look at (default: the analysis' choice)")
    parser.add_argument("--device", help="cpu, cuda:0, ... (default: a GPU if there is one)")


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse numbers out of range and labels that do not match the models."""
    for name in ("limit", "crop"):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f"argument --{name}: expected a number from 1 on, got {value}")
    if args.seed < 0:
        parser.error(f"argument --seed: expected a number from 0 on, got {args.seed}")
    if args.labels and len(args.labels) != 1 + len(args.model):
        parser.error(f"argument --labels: expected {1 + len(args.model)} names, one a model, got {len(args.labels)}")


def load_models(args: argparse.Namespace) -> list[Context]:
    """The contexts of all models, in the order of the command line."""
    cell = parse_cell(args.cell)
    options = argparse.Namespace(**{key: value for key, value in vars(args).items() if key not in OWN})
    pairs = [(args.config, args.checkpoint)]
    for text in args.model:
        config, colon, checkpoint = text.partition(".py:")
        pairs.append((config + ".py", checkpoint) if colon else (text, None))
    return [
        load_context(
            config, checkpoint, args.device, label=label, options=options, seed=args.seed, limit=args.limit, cell=cell,
            crop=args.crop, tap_names=args.taps, out=Path(args.out),
        )
        for (config, checkpoint), label in zip(pairs, args.labels or [None] * len(pairs), strict=True)
    ]  # fmt: skip


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, load, analyse, write."""
    check_arguments(parser, args)
    out = Path(args.out)
    with exits_on_problem(parser.prog, code=2):
        spec = get_analysis(args.what)
        contexts = load_models(args)
        if spec.needs_score and not all(context.trained for context in contexts):
            parser.error(f"{args.what} judges predictions: give every model a checkpoint")
        results = [spec.run(context) for context in contexts]
        figure = spec.draw(results, [context.label for context in contexts])
        text = to_json(make_document(spec, contexts, results))
        write_whole(out / f"{spec.name}.json", text.encode())
        save_picture(out / f"{spec.name}.png", draw(figure))
    print(f"Wrote {out / spec.name}.json and {out / spec.name}.png.")
    return 0
