"""Draw a picture with every corruption at every severity, into one labelled file.

    python tools/browse_corruptions.py street.png
    python tools/browse_corruptions.py street.png --corruptions noise fog --seed 3 --out noise_and_fog.png

The tiles are what a corrupted set made with the same seed holds, reduced after they were corrupted at full size. With
a name in .jpg the sheet is a JPEG, a tenth of the size: noise does not compress.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from mmfan.corruptions import check_picture, picture_name
from mmfan.datasets.corrupted.codec import decode_picture, encode_picture
from mmfan.datasets.transforms.choices import check_seed, expand_corruptions
from mmfan.utils.files import write_whole
from mmfan.utils.progress import ProgressLine
from mmfan.visualization import save_picture
from mmfan.visualization.contact_sheets import SMALLEST_TILE, contact_sheet, corruption_rows

JPEG_QUALITY = 85


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("picture", type=Path, help="picture file")
    parser.add_argument("--out", type=Path, default=Path("corruptions.png"), help=".png or .jpg (default: %(default)s)")
    parser.add_argument(
        "--corruptions", nargs="+", default=["all"], metavar="NAME", help="corruptions or groups: common, noise, ..."
    )
    parser.add_argument("--seed", type=int, default=0, help="base seed (default: %(default)s)")
    parser.add_argument("--tile-width", type=int, default=192, metavar="PIXELS", help="(default: %(default)s)")
    parser.add_argument(
        "--import", dest="modules", nargs="+", default=[], metavar="MODULE", help="that register more corruptions"
    )
    return parser


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what cannot be."""
    if args.out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        parser.error(f"argument --out: expected a name that ends in .png or .jpg, got {args.out}")
    if args.tile_width < SMALLEST_TILE:
        parser.error(f"argument --tile-width: expected at least {SMALLEST_TILE}, got {args.tile_width}")


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, corrupt, draw."""
    check_arguments(parser, args)
    try:
        for module in args.modules:
            import_module(module)
        names = expand_corruptions(args.corruptions)
        check_seed(args.seed)
        content = args.picture.read_bytes()
    except (ImportError, ValueError, OSError) as error:
        parser.error(str(error))
    try:
        picture = decode_picture(content)
        check_picture(picture)
    except ValueError as error:
        parser.error(f"{args.picture} cannot be used: {error}")
    name = picture_name(args.picture)
    progress = ProgressLine("corruptions")
    rows = corruption_rows(picture, name, names, seed=args.seed, tile_width=args.tile_width, progress=progress)
    height, width = picture.shape[:2]
    sheet = contact_sheet(picture, rows, (args.picture.name, f"{width} x {height}, base seed {args.seed}"))
    try:
        if args.out.suffix.lower() == ".png":
            save_picture(args.out, sheet)
        else:
            write_whole(args.out, encode_picture(sheet, "jpeg", JPEG_QUALITY))
    except OSError as error:
        parser.error(f"{args.out} cannot be written: {error}")
    print(args.out)
    return 0
