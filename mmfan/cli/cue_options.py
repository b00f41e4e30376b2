"""Options of commands that judge what models go by: shape or texture."""

from __future__ import annotations

import argparse
from typing import Any

from mmfan.errors import MMFanError
from mmfan.evaluation.judging.asked_cues import CUES, asked_cues
from mmfan.utils.json_files import parse_json

ALL = "all"


def add_cue_options(parser: argparse.ArgumentParser) -> None:
    """``--cues``, and what belongs to it."""
    group = parser.add_argument_group("shape and texture (segmentation)")
    group.add_argument(
        "--cues",
        nargs="+",
        metavar="NAME",
        help=f"judge on pictures with a cue taken away, or with textures swapped: {ALL}, or {', '.join(CUES)}; beside "
        "--protocol or --corruptions, or alone",
    )
    group.add_argument(
        "--cue-settings", metavar="JSON", help='their settings, such as {"area": 256, "colour": "keep", "block": 16}'
    )


def check_cue_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what says nothing without ``--cues``."""
    if args.cue_settings and not args.cues:
        parser.error("--cue-settings is of changes of cues: give --cues as well")


def asked_with_cues(args: argparse.Namespace, protocol: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
    """The protocol with the changes of cues that were asked for; these alone where no other was.

    Raises:
        MMFanError: There is no such change, a setting is out of range, or the settings are no JSON.
    """
    if not args.cues:
        return protocol
    settings: Any = {}
    if args.cue_settings:
        try:
            settings = parse_json(args.cue_settings.encode())
        except ValueError as error:
            raise MMFanError(f"--cue-settings {args.cue_settings!r:.200} is no JSON: {error}.") from error
        if not isinstance(settings, dict):
            raise MMFanError(f"Expected --cue-settings as a dict of JSON, got {args.cue_settings!r:.200}.")
    return asked_cues(CUES if ALL in args.cues else args.cues, settings, protocol)
