"""List mmfan's own configs with their scores, or find one of them.

    mmfan configs                                    # all
    mmfan configs cascade coco                       # those whose name or description has these words
    mmfan configs --path fan_segformer_mini          # where its file is
    mmfan configs --copy fan_segformer_mini mine/    # a config of your own that inherits it

Every command takes a config by path, by name, or as mmfan::NAME; the last works in _base_ too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmfan.cli.options import make_command_parser
from mmfan.errors import MMFanError
from mmfan.utils.commands import command_name
from mmfan.utils.configs import SCOPE, config_index, find_config, own_configs
from mmfan.utils.files import write_whole
from mmfan.utils.tables import Table, markdown_table

HEAD = ("config", "model", "data", "starts from", "published", "corrupted", "ours", "retained")
MEANING = "published: of the authors, not trained again here; ours: a run of docs/results.md; scores in percent"


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="show only configs that have all of these words")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--path", metavar="NAME", help="print where the file of this config is, and no more")
    how.add_argument(
        "--copy", nargs=2, metavar=("NAME", "DIR"), help="write DIR/NAME.py, which inherits the config, to be changed"
    )
    how.add_argument("--markdown", action="store_true", help="as the tables of configs/*/README.md")
    return parser


def scores(config: dict[str, Any]) -> tuple[str, str, str, str]:
    """Published and corrupted, ours and retained, as text; ``-`` where there is none."""
    published, ours = config.get("published", {}), config.get("ours", {})
    numbers = (published.get("clean"), published.get("corrupted"), ours.get("clean"), ours.get("retention"))
    clean, corrupted, own, retained = ("-" if number is None else f"{number:.1f}" for number in numbers)
    return clean, corrupted, own, retained


def folder_table(folder: dict[str, Any]) -> Table:
    """The configs of one folder, with their scores."""
    rows = [(one["name"], one["model"], one["data"], one["start"], *scores(one)) for one in folder["configs"]]
    return Table(folder["method"], f"{folder['metric']}; {MEANING}", HEAD, tuple(rows), texts=4)


def lines_of(config: dict[str, Any], metric: str) -> Iterator[str]:
    """A config in two or three lines for a terminal."""
    clean, corrupted, own, retained = scores(config)
    parts = [f"{config['model']} on {config['data']}, from {config['start']}"]
    if "published" in config:
        parts.append(f"published: {metric} {clean} %" + ("" if corrupted == "-" else f", corrupted {corrupted} %"))
    if "ours" in config:
        parts.append(f"ours: {metric} {own} %, retained {retained} %")
    yield f"  {config['name']}"
    yield f"      {'; '.join(parts)}"
    if "note" in config.get("published", {}):
        yield f"      ({config['published']['note']})"


def listing(words: list[str]) -> str:
    """The configs whose lines have all the words, by folder.

    Raises:
        MMFanError: There is none.
    """
    index, blocks = config_index(), []
    for folder in index["folders"]:
        shown = ["\n".join(lines_of(config, folder["metric"])) for config in folder["configs"]]
        about = f"{folder['folder']}: {folder['method']}"
        kept = [text for text in shown if all(word.lower() in f"{about} {text}".lower() for word in words)]
        if kept:
            blocks.append("\n".join([about, *kept]))
    short = [f"  {name} = {of}" for name, of in index["short"].items()]
    kept = [text for text in short if all(word.lower() in text.lower() for word in words)]
    if kept:
        blocks.append("\n".join(["short names", *kept]))
    if not blocks:
        raise MMFanError(f"No config has {' and '.join(map(repr, words))}; `{command_name('configs')}` lists all.")
    return "\n\n".join([*blocks, MEANING])


def copy_config(name: str, folder: Path) -> Path:
    """Write a config that inherits one of mmfan's.

    Raises:
        FileNotFoundError: There is no config of that name.
        MMFanError: The file is there already.
    """
    source = find_config(name)
    if source.stem not in own_configs():
        raise MMFanError(f"{source} is none of mmfan's own configs; inherit it by its path.")
    target = folder / source.name
    if target.exists():
        raise MMFanError(f"{target} exists; choose another folder or move it away.")
    write_whole(target, f'_base_ = "{SCOPE}{source.stem}"\n\n# what follows replaces parts of it\n'.encode())
    return target


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """List, find or copy."""
    if args.path:
        print(find_config(args.path))
    elif args.copy:
        print(copy_config(args.copy[0], Path(args.copy[1])))
    elif args.markdown:
        print("\n\n".join(markdown_table(folder_table(folder)) for folder in config_index()["folders"]))
    else:
        print(listing(args.words))
    return 0
