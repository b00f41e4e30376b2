"""Judging a model on corrupted pictures from any config: the work of ``mmfan judge``."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.runner import Runner

from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.loop.estimate import estimate_seconds, measure_pace
from mmfan.evaluation.loop.robustness_loop import RobustnessLoop
from mmfan.evaluation.protocol import get_protocol, read_protocol
from mmfan.evaluation.results.recorded_protocol import protocol_entry
from mmfan.evaluation.results.store import key_of
from mmfan.utils.text import counted, duration

if TYPE_CHECKING:
    from mmfan.evaluation.report import Run

DEFAULT_PROTOCOL = "kamann16"


def asked_protocol(
    name: str | None, corruptions: Sequence[str] | None = None, severities: Sequence[int] | None = None
) -> str | dict[str, Any] | None:
    """The protocol of a command line, as a config holds it.

    Args:
        name: Of a protocol, or a JSON file that describes one, or the JSON.
        corruptions: Types for a protocol of one's own.
        severities: Their severities; all that they have by default.

    Returns:
        None where nothing was asked for.

    Raises:
        MMFanError: The protocol is unknown or contradicts itself, or the file is no JSON.
        FileNotFoundError: There is no such file.
    """
    wanted: str | dict[str, Any] | None = name
    if corruptions:
        wanted = {"corruptions": list(corruptions)} | ({"severities": list(severities)} if severities else {})
    elif name is not None:
        wanted = read_protocol(name)
    if wanted is not None:
        get_protocol(wanted)
    return wanted


def judged_config(cfg: Config, *, workers: int | None = None, **loop: Any) -> Config:
    """A config whose test is :class:`mmfan.evaluation.loop.robustness_loop.RobustnessLoop`.

    Args:
        cfg: Any config with ``test_dataloader`` and ``test_evaluator``; it is not changed.
        workers: Loading processes; None for the config's number.
        **loop: Arguments of the loop; None leaves what a RobustnessLoop of the config has, or the default.

    Raises:
        ConfigError: The config cannot be tested.
    """
    missing = [key for key in ("model", "test_dataloader", "test_evaluator") if not cfg.get(key)]
    if missing:
        raise ConfigError(f"{cfg.filename} has no {', '.join(missing)}, which judging a model needs.")
    if not isinstance(cfg.test_dataloader, Mapping):
        raise ConfigError(f"{cfg.filename} has several test_dataloaders; judge one set at a time.")
    cfg = copy.deepcopy(cfg)
    kept = cfg.get("test_cfg") or {}
    own = dict(kept) if str(kept.get("type", "")).endswith("RobustnessLoop") else {}
    given = {key: value for key, value in loop.items() if value is not None}
    if "protocol" not in given and "protocol" not in own:
        given["protocol"] = DEFAULT_PROTOCOL
    if own.get("source") == "disk" and given.get("source") == "fly":
        own.pop("corrupted_root", None)
    # replaced as a whole: assigning to a part of a config merges
    cfg.pop("test_cfg", None)
    cfg.test_cfg = {"fp16": bool(kept.get("fp16", False)), **own, **given, "type": "mmfan.RobustnessLoop"}
    if workers is not None:
        cfg.test_dataloader.num_workers = workers
    # A line each ten pictures would bury the one of each cell.
    if isinstance(cfg.get("default_hooks"), Mapping) and isinstance(cfg.default_hooks.get("logger"), Mapping):
        cfg.default_hooks.logger.interval = 1_000_000
    return cfg


def built_loop(runner: Runner) -> RobustnessLoop:
    """The loop of a Runner made from :func:`judged_config`, with the weights of its checkpoint loaded."""
    loop = runner.test_loop  # built here, so that the classes of its set are known when the weights are checked
    runner.load_or_resume()
    return loop


def plan_text(loop: RobustnessLoop) -> str:
    """How much a loop judges, in words."""
    return f"{counted(loop.protocol.size, 'cell')} and the clean pictures, {counted(len(loop.chosen), 'picture')} each"


def describe_plan(loop: RobustnessLoop, measure: bool) -> str:
    """What a run would do: its cells, and how long that takes.

    Args:
        loop: From :func:`built_loop`.
        measure: Take a few pictures through the model for an estimate of the time.

    Raises:
        mmfan.evaluation.judging.findings.PreflightError: The preflight found something.
    """
    loop.runner.model.eval()
    loop.preflight(with_model=measure)
    done = set()
    if measure and loop.store is not None:
        done = {key_of(record)[1] for record in loop.resumed(loop.find_key())}
    todo = [cell for cell in loop.cells if cell not in done]
    lines = [f"{loop.protocol.name}: {plan_text(loop)}"]
    lines += [f"  {name}: {', '.join(map(str, loop.protocol.severities(name)))}" for name in loop.protocol.corruptions]
    if done:
        lines.append(f"{len(done)} of these {len(loop.cells)} are in {loop.store and loop.store.path} already")
    if not measure:
        lines.append("With a checkpoint, a few pictures would be timed to say how long this takes.")
        return "\n".join(lines)
    pace = measure_pace(loop)
    workers = loop.dataloader.num_workers
    seconds = estimate_seconds(pace, todo, len(loop.chosen), workers, get_world_size())
    slowest = max(pace.corrupt, key=lambda name: pace.corrupt[name])
    lines.append(
        f"about {duration(seconds)} for {counted(len(todo), 'cell')} with "
        f"{counted(workers, 'loading process', 'loading processes')}: a picture takes the model "
        f"{1e3 * pace.forward:.0f} ms, reading it {1e3 * pace.prepare:.0f} ms, corrupting it up to "
        f"{1e3 * pace.corrupt[slowest]:.0f} ms ({slowest})"
    )
    return "\n".join(lines)


def old_records_text(loop: RobustnessLoop) -> str:
    """A line on records of this model in the results file that do not say which data they are of; empty without any."""
    if loop.store is None:
        return ""
    keys = [key_of(record)[0] for record in loop.store.records()]
    count = sum(key.unchecked and key.model == loop.name and key.dataset == loop.dataset_name for key in keys)
    if not count:
        return ""
    return (
        f"{loop.store.path} also holds {counted(count, 'record')} of {loop.name} that do not say which contents of "
        "pictures and labels they are of (mmfan before 0.2.0 wrote them); they are not in this table."
    )


def overview_text(loop: RobustnessLoop) -> str:
    """The table of a finished run: clean, corrupted, retention, groups; as ``mmfan report`` prints it."""
    # reports need none of torch, and this needs none of reports until the end
    from mmfan.evaluation.report import build_report
    from mmfan.evaluation.report.choice import choose_metric
    from mmfan.evaluation.report.tables import sentence
    from mmfan.utils.tables import markdown_line, markdown_table

    _, own = _runs_of(loop)
    table = build_report([own], loop.protocol, choose_metric([own])).tables[0]
    return f"{markdown_line(sentence(table.caption))}\n\n{markdown_table(table)}"


def report_words(loop: RobustnessLoop) -> list[str]:
    """The arguments with which ``mmfan report`` shows what a finished run has judged: the file, mostly, and no more.

    The file may hold other models, and this one on other protocols; then model and protocol are named as well.
    """
    from mmfan.evaluation.report.choice import choose_metric, choose_protocol

    def shows_it(runs: Sequence[Run]) -> bool:
        try:
            return choose_protocol(runs) == loop.protocol and choose_metric(runs) == choose_metric([own])
        except MMFanError:
            return False

    runs, own = _runs_of(loop)
    words = [str(own.results)]
    if shows_it(runs):
        return words
    words += [] if len(runs) == 1 else ["--model", own.name]
    if not shows_it([own]):
        said = protocol_entry(loop.protocol)
        words += ["--protocol", said if isinstance(said, str) else json.dumps(said)]
    return words


def _runs_of(loop: RobustnessLoop) -> tuple[list[Run], Run]:
    """The runs of a loop's results file, and its own."""
    from mmfan.evaluation.report import read_runs

    if loop.store is None:
        raise MMFanError("Without a results file there is no report.")
    runs = read_runs([loop.store.path])
    return runs, next(run for run in runs if run.key == loop.key)
