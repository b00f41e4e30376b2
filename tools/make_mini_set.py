"""Draw an embedded miniature set: street scenes with all labels, in the tree of the real set.

The pictures are drawn from a seed, so everybody gets the same ones; nothing is downloaded. They are for trying things
out and for tests, not for comparing models with published figures.

    python tools/make_mini_set.py cityscapes data/mini_cityscapes
    python tools/make_mini_set.py cityscapes data/tiny --train 20 --val 8 --size 256 128 --seed 3
"""

import argparse
import inspect
import sys
import time

from mmfan.datasets.miniature import write_cityscapes


def parse_args(argv: list[str] | None = None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Read the command line; the parser comes back too, to report later errors in its style."""
    standard = {name: p.default for name, p in inspect.signature(write_cityscapes).parameters.items()}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("set", choices=("cityscapes",), help="which set to draw")
    parser.add_argument("target", help="folder to make")
    parser.add_argument("--train", type=int, default=standard["train"], help="training pictures (%(default)s)")
    parser.add_argument("--val", type=int, default=standard["val"], help="validation pictures (%(default)s)")
    parser.add_argument("--seed", type=int, default=standard["seed"], help="seed of the set (%(default)s)")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), default=standard["size"], help="pixels (%(default)s)"
    )
    parser.add_argument("--workers", type=int, help="processes (one per core); the pictures do not depend on it")
    parser.add_argument("--force", action="store_true", help="replace a miniature set made with other options")
    return parser, parser.parse_args(argv)


def show_progress(done: int, total: int) -> None:
    """Rewrite one line on a terminal; print ten lines into a log."""
    if sys.stderr.isatty():
        print(f"\rdrawing {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
    elif done == total or done * 10 // total > (done - 1) * 10 // total:
        print(f"drawing {done}/{total}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the tool."""
    parser, args = parse_args(argv)
    start = time.perf_counter()
    try:
        drawn = write_cityscapes(
            args.target, args.train, args.val, tuple(args.size), args.seed, args.workers, show_progress, args.force
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("\nstopped; nothing was left behind", file=sys.stderr)
        return 130
    if drawn:
        seconds = time.perf_counter() - start
        print(f"{args.target}: {args.train} train + {args.val} val pictures in {seconds:.1f} s")
    else:
        print(f"{args.target}: already complete, nothing to do")
    return 0


if __name__ == "__main__":
    sys.exit(main())
