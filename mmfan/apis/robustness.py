"""Judging a model on corrupted pictures from any config: the work of ``mmfan judge``."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.runner import Runner

from mmfan.apis.distributed import has_accelerator
from mmfan.apis.libraries import is_robustness_loop
from mmfan.corruptions.cell import Cell
from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.conditions import kind_of
from mmfan.evaluation.loop.estimate import estimate_seconds, measure_pace
from mmfan.evaluation.loop.robustness_loop import RobustnessLoop
from mmfan.evaluation.metrics.evaluator import with_calibration
from mmfan.evaluation.protocol.definition import family_text
from mmfan.evaluation.results.store import RunKey, key_of
from mmfan.utils.resources import default_workers
from mmfan.utils.text import counted, duration

DEFAULT_PROTOCOL = "kamann16"
MOST_WORKERS = 16  # each holds two batches of pictures in shared memory


def judged_config(
    cfg: Config,
    *,
    workers: int | None = None,
    batch_size: int | None = None,
    compiled: bool = False,
    fill_cores: bool = False,
    calibration: bool | str = False,
    **loop: Any,
) -> Config:
    """A config whose test is :class:`mmfan.evaluation.loop.robustness_loop.RobustnessLoop`.

    Args:
        cfg: Any config with ``test_dataloader`` and ``test_evaluator``; it is not changed.
        workers: Loading processes; None for the config's number.
        batch_size: Pictures in a batch; None for the config's number.
        compiled: Compile the model, whatever the config says.
        fill_cores: On a GPU take at least :func:`workers_of_gpu` loading processes, where ``workers`` says nothing.
        calibration: Sum up the model's confidence too: see
            :class:`mmfan.evaluation.metrics.evaluator.RetentionEvaluator`.
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
    own = dict(kept) if is_robustness_loop(kept.get("type")) else {}
    given = {key: value for key, value in loop.items() if value is not None}
    if "protocol" not in given and "protocol" not in own:
        given["protocol"] = DEFAULT_PROTOCOL
    if own.get("source") == "disk" and given.get("source") == "fly":
        own.pop("corrupted_root", None)
    # replaced as a whole: assigning to a part of a config merges
    cfg.pop("test_cfg", None)
    cfg.test_cfg = {"fp16": bool(kept.get("fp16", False)), **own, **given, "type": "mmfan.RobustnessLoop"}
    if calibration:
        evaluator = with_calibration(cfg.test_evaluator, calibration)
        cfg.pop("test_evaluator")
        cfg.test_evaluator = evaluator
    if workers is None and fill_cores and has_accelerator():
        workers = max(cfg.test_dataloader.get("num_workers", 0), workers_of_gpu(os.environ))
    if workers is not None:
        cfg.test_dataloader.num_workers = workers
    if batch_size is not None:
        cfg.test_dataloader.batch_size = batch_size
    if compiled and not cfg.get("compile"):
        cfg.compile = True
    # A line each ten pictures would bury the one of each cell.
    if isinstance(cfg.get("default_hooks"), Mapping) and isinstance(cfg.default_hooks.get("logger"), Mapping):
        cfg.default_hooks.logger.interval = 1_000_000
    return cfg


def workers_of_gpu(environment: Mapping[str, str]) -> int:
    """Loading processes of a rank that judges on a GPU: its share of the cores but one, 1 to :data:`MOST_WORKERS`.

    A GPU is soon faster than the four of most configs can corrupt.
    """
    return min(default_workers(environment, left=1), MOST_WORKERS)


def built_loop(runner: Runner) -> RobustnessLoop:
    """The loop of a Runner made from :func:`judged_config`, with the weights of its checkpoint loaded."""
    loop = runner.test_loop  # built here, so that the classes of its set are known when the weights are checked
    runner.load_or_resume()
    return loop


def plan_text(loop: RobustnessLoop) -> str:
    """How much a loop judges, in words."""
    told = f"{counted(loop.protocol.size, 'cell')} and the clean pictures, {counted(len(loop.chosen), 'picture')} each"
    own = [f"{loop.cells[number]} {len(one.chosen)}" for number, one in loop.others.sets.items()]
    return f"{told} ({', '.join(own)})" if own else told


def describe_plan(loop: RobustnessLoop, measure: bool) -> str:
    """What a run would do: its cells, and how long that takes.

    Args:
        loop: From :func:`built_loop`.
        measure: Take a few pictures through the model for an estimate of the time.

    Raises:
        mmfan.evaluation.judging.findings.PreflightError: The preflight found something.
    """
    with loop.computing.prepared():
        return _described(loop, measure)


def _described(loop: RobustnessLoop, measure: bool) -> str:
    loop.runner.model.eval()
    loop.preflight(with_model=measure)
    done = set()
    if measure and loop.store is not None:
        done = {key_of(record)[1] for record in loop.resumed(loop.find_key())}
    todo = [cell for cell in loop.cells if cell not in done]
    lines = [f"{loop.protocol.name}: {plan_text(loop)}"]
    for family in loop.protocol.families:
        told = "" if family.first.condition is None else f", {family_text(family.first)}"
        lines += [f"  {name}{told}: {', '.join(map(str, family.severities(name)))}" for name in family.corruptions]
    lines += costs_of(loop.cells, len(loop.chosen))
    if done:
        lines.append(f"{len(done)} of these {len(loop.cells)} are in {loop.store and loop.store.path} already")
    if not measure:
        lines.append("With a checkpoint, a few pictures would be timed to say how long this takes.")
        return "\n".join(lines)
    pace = measure_pace(loop)
    workers = loop.dataloader.num_workers
    others = {loop.cells[number]: len(one.chosen) for number, one in loop.others.sets.items()}
    seconds = estimate_seconds(pace, todo, len(loop.chosen), workers, get_world_size(), others)
    slowest = max(pace.corrupt, key=lambda name: pace.corrupt[name], default=None)
    corrupting = "" if slowest is None else f", corrupting it up to {1e3 * pace.corrupt[slowest]:.0f} ms ({slowest})"
    lines.append(
        f"about {duration(seconds)} for {counted(len(todo), 'cell')} with "
        f"{counted(workers, 'loading process', 'loading processes')}: a picture takes the model "
        f"{1e3 * pace.forward:.0f} ms, reading it {1e3 * pace.prepare:.0f} ms{corrupting}"
    )
    return "\n".join(lines)


def costs_of(cells: Iterable[Cell], pictures: int) -> list[str]:
    """What conditions cost whose pictures take more than a forward pass, a line each.

    One that goes with the severities of corruptions is told once.

    Args:
        cells: All that are judged.
        pictures: Number of pictures of a cell.
    """
    lines = dict[str, None]()
    for cell in cells:
        told = "" if cell.condition is None else kind_of(cell).cost(cell.condition)
        if cell.condition is None or not told:
            continue
        what = f"each cell with {cell.condition.name}" if cell.condition.strength is None else str(cell)
        lines[f"  {what}: {told}, {counted(pictures, 'picture')}"] = None
    return list(lines)


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
    """The table of a finished run; see :func:`mmfan.evaluation.report.closing.overview_text`."""
    from mmfan.evaluation.report import closing  # reports are slow to import, and needed at the end alone

    return closing.overview_text(*_run_of(loop), loop.protocol)


def report_words(loop: RobustnessLoop) -> list[str]:
    """The arguments for ``mmfan report``; see :func:`mmfan.evaluation.report.closing.report_words`."""
    from mmfan.evaluation.report import closing

    return closing.report_words(*_run_of(loop), loop.protocol)


def _run_of(loop: RobustnessLoop) -> tuple[Path, RunKey]:
    if loop.store is None or loop.key is None:
        raise MMFanError("Without a results file there is no report.")
    return loop.store.path, loop.key
