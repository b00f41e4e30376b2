"""Judging of a function from the command line: what its forms have in common, and what is printed of what came out."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from mmfan.cli.attack_options import asked_with_attacks
from mmfan.cli.cue_options import asked_with_cues
from mmfan.cli.problems import exits_on_problem
from mmfan.cli.stopping import status_of
from mmfan.cli.weather_options import asked_weather
from mmfan.utils.commands import command_name


class Model(NamedTuple):
    """What is judged: its function, its name, and what tells it from others."""

    predict: Callable[..., Any]
    name: str
    version: str | None


def preprocessing_given(args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of :class:`mmfan.adapters.Preprocessing`, but for the order of the colours."""
    given = {name: getattr(args, name) for name in ("mean", "std", "white", "size", "divisor")}
    return {name: value for name, value in given.items() if value is not None}


def with_weights(network: Path) -> list[Path]:
    """A network in ONNX's format, and its weights: those of more than 2 GB lie in a file beside it."""
    return [path for path in (network, network.with_name(f"{network.name}.data")) if path.is_file()]


def judge_function(
    args: argparse.Namespace, parser: argparse.ArgumentParser, model: Model, data: Any, usual: str, results_name: str
) -> int:
    """Judge and print.

    Args:
        args: Of the command line.
        parser: Its parser.
        model: What is judged.
        data: On what.
        usual: Name of the protocol where none is asked for.
        results_name: Name of the results file in the work folder.

    Returns:
        The exit status.
    """
    from mmfan.evaluation.function import judge
    from mmfan.evaluation.judging.asked import asked_adaptation, asked_protocol
    from mmfan.evaluation.protocol.named import CLEAN_ONLY

    clean_only = args.protocol == CLEAN_ONLY.name
    asked = args.protocol if clean_only else asked_protocol(args.protocol, args.corruptions, args.severities)
    protocol, weather = asked_weather(args, asked_with_cues(args, asked_with_attacks(args, asked)))
    adapt = asked_adaptation(args.adapt)
    with exits_on_problem(parser.prog, code=1):
        try:
            found = judge(
                model.predict,
                data,
                protocol or usual,
                args.results or Path(args.work_dir or Path("work_dirs") / model.name) / results_name,
                args.name or model.name,
                dataset_name=args.dataset_name,
                version=model.version,
                seed=args.seed or 0,
                limit=args.limit,
                workers=args.workers,
                batch_size=args.batch_size or 1,
                pictures=args.pictures or 0,
                verbose=not args.quiet,
                cache=args.cache,
                adapt=adapt,
                calibration=args.calibration,
                flips=args.flips,
                weather=weather,
            )
        except KeyboardInterrupt as stop:
            print("\nStopped; the same command goes on with the cell that was in work.", file=sys.stderr)
            return status_of(stop)
        print(f"Results: {found.results}")
        if clean_only:
            scores = ", ".join(f"{name} {100 * value:.2f} %" for name, value in found.records[0]["metrics"].items())
            print(f"{found.key.model} on {found.key.dataset}, clean pictures: {scores}")
            return 0
        from mmfan.evaluation.report.closing import overview_text, report_words

        run = Path(found.results or ""), found.key, found.protocol
        print(overview_text(*run))
        print("\nTables and plots:")
        print(f"  {command_name('report')} {shlex.join(report_words(*run))}")
    return 0
