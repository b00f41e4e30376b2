"""Look inside one or several models: which frequencies, tokens and blocks carry what they see?

    mmfan analyze fourier fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth
    mmfan analyze cka CONFIG CHECKPOINT --model OTHER_CONFIG:OTHER_CHECKPOINT --cell fog:3 --limit 16

Works with any config of mmsegmentation or mmdetection, on pictures of its test set. Each analysis writes WHAT.json and
WHAT.png; docs/analysis.md says what each one asks and computes. `mmfan analyze WHAT --help` lists its
options. Without a checkpoint the weights are random, and the figure says so. Exit status: 2 for a mistake in the
command, config or checkpoint, and for an analysis that the model or the pictures do not allow.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from mmfan.analysis.catalogue import ANALYSES, Settings
from mmfan.analysis.options import OptionError, Options, form_of
from mmfan.cli.console import add_output_options, own_console
from mmfan.cli.options import make_command_parser
from mmfan.utils.commands import command_name
from mmfan.utils.tables import markdown_table

# a config by path or by name, and behind a colon its checkpoint
MODEL = re.compile(r"(.+?\.py|(?:mmfan::)?[^:]+)(?::(.+))?")


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line: a command an analysis, each with the settings of all and the options of its own."""
    parser = make_command_parser(prog, __doc__)
    analyses = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, spec in ANALYSES.items():
        example = f"{command_name('analyze')} {name} fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth"
        sub = analyses.add_parser(
            name, help=spec.help, description=f"{spec.help}\n\n    {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        sub.add_argument("config", help="config of mmfan, mmsegmentation or mmdetection, a file or a name")
        sub.add_argument("checkpoint", nargs="?", help="checkpoint file (default: random weights)")
        sub.add_argument(
            "--model", action="append", default=[], metavar="CONFIG[:CHECKPOINT]",
            help="another model for the same figure; may be given several times",
        )  # fmt: skip
        sub.add_argument("--out", default="work_dirs/analysis", metavar="DIR", help="folder of the results")
        add_output_options(sub)
        add_options(sub, Settings, limit=spec.pictures)
        if fields(spec.options):
            add_options(sub.add_argument_group(f"options of {name}"), spec.options)
    return parser


def add_options(parser: Any, options: type[Options], **defaults: Any) -> None:
    """Add the fields of an options dataclass to a parser or a group; ``args`` has those that are on the command line.

    Args:
        parser: Gets the options.
        options: Their names, types, help, choices and defaults; ranges are checked when an instance is made.
        **defaults: Told in the help in the place of the fields' own.
    """
    for one in fields(options):
        form, rules, default = form_of(options, one.name), one.metadata, defaults.get(one.name, one.default)
        flag, more = f"--{one.name.replace('_', '-')}", {"default": argparse.SUPPRESS, "help": rules["help"]}
        if form.kind is bool:
            parser.add_argument(flag, action="store_true", **more)
            continue
        if default is not None:
            told = " ".join(map(str, default)) if isinstance(default, tuple) else default
            more["help"] += f" (default: {told})"
        nargs = "+" if form.length == 0 else form.length
        more |= {key: rules[key] for key in ("choices", "metavar") if key in rules}
        parser.add_argument(flag, type=form.kind, nargs=nargs, **more)


def given_options(args: argparse.Namespace, options: type[Options]) -> dict[str, Any]:
    """The options of a dataclass that are on the command line."""
    return {one.name: getattr(args, one.name) for one in fields(options) if hasattr(args, one.name)}


def named_models(args: argparse.Namespace) -> list[tuple[str, str | None]]:
    """Config and checkpoint of all models, in the order of the command line."""
    pairs: list[tuple[str, str | None]] = [(args.config, args.checkpoint)]
    for text in args.model:
        parts = MODEL.fullmatch(text)
        pairs.append((parts[1], parts[2]) if parts else (text, None))
    return pairs


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, load, analyse, write."""
    options = given_options(args, Settings) | given_options(args, ANALYSES[args.what].options)
    try:
        with own_console(parser.prog, args):
            from mmfan.analysis.results import analyze  # torch

            found = analyze(args.what, named_models(args), out=args.out, **options)
    except OptionError as error:
        parser.error(f"argument --{error.option.replace('_', '-')}: {error.says}")
    kept = Path(args.out) / args.what
    if found.table is not None:
        print(f"{found.table.caption}\n\n{markdown_table(found.table)}\n")
        print(f"Wrote {kept}.json, {kept}.md and {kept}.png.")
    else:
        print(f"Wrote {kept}.json and {kept}.png.")
    return 0
