"""Segment pictures of your own and write each one painted with its prediction, with a legend of the classes in it.

    python tools/infer.py CONFIG CHECKPOINT street.jpg
    python tools/infer.py CONFIG CHECKPOINT photos/ --out-dir painted --labels --opacity 0.6

A folder stands for the pictures directly in it. Exit status: 2 for a mistake in the command, 1 if a picture could not
be read (the others are still done).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmfan.apis import init_model, load_config
from mmfan.apis.command import exits_on_problem
from mmfan.apis.inference import find_pictures, predict, read_picture
from mmfan.visualization import overlay, save_picture, with_legend


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file of a training run")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="picture file, or a folder of them")
    parser.add_argument("--out-dir", type=Path, default=Path("predictions"), help="where to (default: predictions/)")
    parser.add_argument("--labels", action="store_true", help="also write each label map, as NAME_labels.png")
    parser.add_argument("--device", help="cpu, cuda:0, ... (default: a GPU if there is one)")
    parser.add_argument("--opacity", type=float, default=0.5, help="of the colours, 0 to 1 (default: 0.5)")
    args = parser.parse_args()
    if not 0 <= args.opacity <= 1:
        parser.error(f"argument --opacity: expected 0 to 1, got {args.opacity}")
    return args


def main() -> None:
    """Build the model, then read, predict and write picture by picture."""
    args = parse_args()
    with exits_on_problem("infer.py", code=2):
        pictures = find_pictures(args.pictures)
        model = init_model(load_config(args.config), args.checkpoint, args.device)
    classes, palette = model.dataset_meta["classes"], model.dataset_meta["palette"]
    failed = 0
    for path in pictures:
        try:
            picture = read_picture(path)
        except (ValueError, OSError) as error:
            failed += 1
            print(f"infer.py: error: {error}", file=sys.stderr)
            continue
        labels = predict(model, picture)
        painted = overlay(picture[..., ::-1], labels, palette, args.opacity)
        target = save_picture(args.out_dir / f"{path.stem}.png", with_legend(painted, labels, classes, palette))
        if args.labels:
            save_picture(args.out_dir / f"{path.stem}_labels.png", labels)
        print(f"{path} -> {target}", flush=True)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
