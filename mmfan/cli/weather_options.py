"""Options of commands that judge models in real weather."""

from __future__ import annotations

import argparse
from typing import Any

from mmfan.evaluation.conditions.weather_settings import KNOWN, REFERENCES
from mmfan.evaluation.protocol.named import CLEAN_ONLY

CHOICES = ("conditions", "split", "reference")


def add_weather_options(parser: argparse.ArgumentParser) -> None:
    """``--weather``, and what belongs to it."""
    group = parser.add_argument_group("real weather")
    sets = ", ".join(one for one in KNOWN if not one.endswith("_reference"))
    group.add_argument(
        "--weather", nargs="+", metavar="SET=ROOT",
        help=f"judge each condition of these sets ({sets}); beside --protocol or --corruptions, or alone",
    )  # fmt: skip
    group.add_argument("--conditions", nargs="+", metavar="NAME", help="these conditions alone, such as fog night")
    group.add_argument("--split", metavar="NAME", help="of the sets (default: their validation pictures)")
    group.add_argument(
        "--reference",
        choices=REFERENCES,
        help="held against the clean pictures of the config (default), or the reference frames of ACDC",
    )


def check_weather_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what says nothing without ``--weather``, and what is no SET=ROOT."""
    given = [name for name in CHOICES if getattr(args, name) is not None]
    if given and not args.weather:
        parser.error(f"--{given[0]} is of real weather: give --weather as well")
    seen: set[str] = set()
    for text in args.weather or ():
        name, equals, root = text.partition("=")
        if not (name and equals and root):
            parser.error(f"--weather needs a set and its root, as acdc=data/acdc, got {text!r}")
        if name in seen:
            parser.error(f"--weather names {name} twice: judge its places one after the other")
        seen.add(name)


def asked_weather(args: argparse.Namespace, protocol: Any) -> tuple[Any, dict[str, Any] | None]:
    """The protocol and the sets that were asked for; the clean pictures alone where no other protocol was.

    Returns:
        What ``protocol`` and ``weather`` of the drivers take.
    """
    if not args.weather:
        return protocol, None
    chosen = {name: getattr(args, name) for name in CHOICES if getattr(args, name) is not None}
    places = dict(text.split("=", 1) for text in args.weather)
    return (
        CLEAN_ONLY.name if protocol is None else protocol,
        {name: {"root": root, **chosen} for name, root in places.items()},
    )
