"""Options of commands that judge models under attack."""

from __future__ import annotations

import argparse
from typing import Any

from mmfan.cli.options import whole
from mmfan.evaluation.attacks.settings import ATTACKS, NORMS, PLACES, STEPS
from mmfan.evaluation.conditions.attack_settings import EPS
from mmfan.evaluation.conditions.patch_settings import AREAS, LOSSES, PATCHES
from mmfan.evaluation.judging.asked_attack import asked_attacks

# option -> the setting that it gives
SETTINGS = {
    "norm": "norm", "steps": "steps", "alpha": "alpha", "target": "target", "patch_place": "place", "patch_loss": "loss"
}  # fmt: skip


def add_attack_options(parser: argparse.ArgumentParser) -> None:
    """``--attack``, and what belongs to it."""
    group = parser.add_argument_group("attacks")
    group.add_argument(
        "--attack",
        nargs="+",
        metavar="NAME",
        help=f"judge under attack: {', '.join((*ATTACKS, *PATCHES))}; beside --protocol or --corruptions, or alone",
    )
    group.add_argument(
        "--eps", nargs="+", type=float, metavar="R", help=f"radii in 1/255 (default: {' '.join(map(str, EPS))})"
    )
    group.add_argument("--steps", type=whole(1), metavar="T", help=f"gradients taken (default: {STEPS})")
    group.add_argument("--norm", choices=NORMS, help="of the radius (default: linf)")
    group.add_argument(
        "--alpha", type=float, metavar="A", help="length of a step in 1/255 (default: 2.5 eps/T; of a patch 319/T)"
    )
    group.add_argument("--target", type=whole(0), metavar="CLASS", help="draw all pixels to the class of this number")
    group.add_argument(
        "--unrounded", action="store_true", help="judge float pictures, as papers do, not whole 8-bit values"
    )
    group.add_argument(
        "--patch-area",
        nargs="+",
        type=float,
        metavar="A",
        help=f"of patches, in %% of the picture (default: {' '.join(map(str, AREAS))}); scores leave the largest out",
    )
    group.add_argument("--patch-place", choices=PLACES, help=f"where the patch is (default: {PLACES[0]})")
    group.add_argument("--patch-loss", choices=tuple(LOSSES), help="what it drives up (default: segpgd's)")


def check_attack_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what says nothing without ``--attack``, and radii of which none changes a picture."""
    given = [name for name in ("eps", "patch_area", *SETTINGS) if getattr(args, name) is not None]
    given += ["unrounded"] if args.unrounded else []
    if given and not args.attack:
        parser.error(f"--{given[0].replace('_', '-')} is of attacks: give --attack as well")
    if args.eps and not args.unrounded and max(args.eps) < 1:
        parser.error(
            f"--eps is in 1/255, so that 8/255 is 8: got {max(args.eps):g} at most, and a picture of 8 bits has no "
            "neighbour nearer than 1, so that all would score as clean. Give larger radii, or --unrounded for float "
            "pictures"
        )


def asked_with_attacks(args: argparse.Namespace, protocol: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
    """The protocol with the attacks that were asked for; attacks alone where no other was.

    Raises:
        MMFanError: There is no such attack, or a setting is out of range.
    """
    if not args.attack:
        return protocol
    given = {setting: getattr(args, name) for name, setting in SETTINGS.items() if getattr(args, name) is not None}
    settings = {**given, "rounded": False} if args.unrounded else given
    return asked_attacks(args.attack, args.eps, settings, protocol, args.patch_area)
