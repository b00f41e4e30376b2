"""Draw a picture with every corruption at every severity, into one labelled file.

    mmfan corrupt --sheet street.png
    mmfan corrupt --sheet street.png --corruptions noise fog --seed 3 --out noise_and_fog.png

The tiles are what a corrupted set made with the same seed holds, reduced after they were corrupted at full size. With
a name in .jpg the sheet is a JPEG, a tenth of the size: noise does not compress.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmfan.cli.options import add_imports, add_seed, import_modules, make_command_parser, whole
from mmfan.corruptions import check_picture, picture_name
from mmfan.datasets.corrupted.codec import decode_picture, encode_picture
from mmfan.datasets.transforms.choices import expand_corruptions
from mmfan.errors import MMFanError
from mmfan.utils.files import write_whole
from mmfan.utils.progress import ProgressLine

JPEG_QUALITY = 85


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__, allow_abbrev=False)
    parser.add_argument("picture", type=Path, help="picture file")
    parser.add_argument(
        "--out", type=Path, default=Path("work_dirs/corruptions.png"), help=".png or .jpg (default: %(default)s)"
    )
    parser.add_argument(
        "--corruptions", nargs="+", default=["all"], metavar="NAME", help="corruptions or groups: common, noise, ..."
    )
    add_seed(parser, "base seed")
    parser.add_argument(
        "--tile-width", type=whole(1), default=192, metavar="PIXELS", help="width of a tile (default: %(default)s)"
    )
    add_imports(parser)
    return parser


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what cannot be."""
    if args.out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        parser.error(f"argument --out: expected a name that ends in .png or .jpg, got {args.out}")
    from mmfan.visualization.contact_sheets import SMALLEST_TILE

    if args.tile_width < SMALLEST_TILE:
        parser.error(f"argument --tile-width: expected at least {SMALLEST_TILE}, got {args.tile_width}")


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, corrupt, draw."""
    check_arguments(parser, args)
    from mmfan.visualization import save_picture
    from mmfan.visualization.contact_sheets import contact_sheet, corruption_rows

    import_modules(args.imports)
    names = expand_corruptions(args.corruptions)
    try:
        picture = decode_picture(args.picture.read_bytes())
        check_picture(picture)
    except MMFanError as error:
        raise MMFanError(f"{args.picture} cannot be used: {error}") from error
    name = picture_name(args.picture)
    progress = ProgressLine("corruptions")
    rows = corruption_rows(picture, name, names, seed=args.seed, tile_width=args.tile_width, progress=progress)
    height, width = picture.shape[:2]
    sheet = contact_sheet(picture, rows, (args.picture.name, f"{width} x {height}, base seed {args.seed}"))
    if args.out.suffix.lower() == ".png":
        save_picture(args.out, sheet)
    else:
        write_whole(args.out, encode_picture(sheet, "jpeg", JPEG_QUALITY))
    print(args.out)
    return 0
