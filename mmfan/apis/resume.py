"""Resuming: the checkpoint that a training continues from, and whether it can.

A checkpoint that a killed run left unfinished is never passed over in silence: the error names the newest whole one
beside it and how to continue from that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmfan.apis.checkpoint import read_checkpoint
from mmfan.models.safe_load import CheckpointError, compare_states
from mmfan.models.weight_files.checks import check_usable, problems_of, refuse
from mmfan.models.weight_files.sources import is_remote
from mmfan.utils.text import shortlist

NUMBERED = re.compile(r"(?:iter|epoch)_(\d+)\.pth")
POINTER = "last_checkpoint"


def choose_resume(cfg: Config, resume: bool | str | Path) -> str:
    """Settle which checkpoint training continues from; sets ``resume`` and ``load_from`` of the config.

    Args:
        cfg: The run's own config, with ``work_dir``.
        resume: See :func:`mmfan.apis.build_runner`; False leaves it to the config.

    Returns:
        A line for the log, or an empty string.

    Raises:
        FileNotFoundError: There is no such checkpoint.
        CheckpointError: It cannot be read or continued from; if there is a whole one beside it, that is named.
    """
    if resume is False:
        if not cfg.get("resume"):
            return ""
        resume = cfg.get("load_from") or "auto"
    if resume is not True and resume != "auto":
        read_to_resume(resume, bool(cfg.get("param_scheduler")))
        cfg.load_from, cfg.resume = str(resume), True
        return ""
    latest = latest_checkpoint(Path(cfg.work_dir))
    cfg.resume = latest is not None
    if latest is None:
        return f"Nothing to resume in {cfg.work_dir}: training starts at iteration 0."
    read_to_resume(latest, bool(cfg.get("param_scheduler")))
    cfg.load_from = str(latest)
    return f"Resuming from {latest}."


def latest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint that a run wrote last, by the note that mmengine keeps of it; None without one.

    Raises:
        CheckpointError: The note is damaged.
    """
    pointer = folder / POINTER
    if not pointer.exists():
        return None
    try:
        text = pointer.read_text(encoding="utf-8").strip()
    except (UnicodeDecodeError, IsADirectoryError):
        text = ""
    if not text or "\0" in text or "\n" in text:
        raise CheckpointError(
            f"{pointer} does not hold the path of a checkpoint. "
            + (_offer(newest_whole(folder)) or "Name the checkpoint: --resume FILE.")
        )
    latest = Path(text)
    # the work folder may have been moved after the run
    return moved if not latest.is_file() and (moved := folder / latest.name).is_file() else latest


def read_to_resume(path: str | Path, scheduled: bool = True) -> dict[str, Any]:
    """Read a checkpoint that training is to continue from.

    Args:
        path: The file.
        scheduled: Whether the run has schedules of parameters, whose state must be there too.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It cannot be read, or lacks what continuing needs.
    """
    try:
        content = read_checkpoint(path)
        check_resumable(content, path, scheduled)
    except (CheckpointError, FileNotFoundError) as error:
        offer = "" if is_remote(path) else _offer(newest_whole(Path(path).parent, Path(path).name))
        if not offer:
            raise
        raise type(error)(f"{error} {offer}") from error
    return content


def check_resumable(content: Mapping[str, Any], path: str | Path, scheduled: bool = True) -> None:
    """Check that a checkpoint holds what continuing a run needs, not weights alone.

    Raises:
        CheckpointError: Names what is missing or of another form.
    """
    check_usable(content, path)
    needed = ["state_dict", "meta", "message_hub", "optimizer"]
    missing = [name for name in needed if not isinstance(content.get(name), Mapping)]
    if scheduled and not isinstance(content.get("param_schedulers"), (list, Mapping)):
        missing.append("param_schedulers")
    if missing:
        raise CheckpointError(
            f"{path} is no checkpoint that a training can continue from: it has no {', '.join(missing)}. To start "
            f"a new training from its weights, give it as --cfg-options load_from={path}"
        )
    meta, hub = content["meta"], content["message_hub"]
    wrong = [f"meta.{name}" for name in ("epoch", "iter") if type(meta.get(name)) is not int or meta[name] < 0]
    parts = ("log_scalars", "runtime_info", "resumed_keys")
    wrong += [f"message_hub.{name}" for name in parts if not isinstance(hub.get(name), Mapping)]
    if wrong:
        raise CheckpointError(f"{path} cannot be continued from: {', '.join(wrong)} is missing or of another type.")


def check_average(content: Mapping[str, Any], model: Mapping[str, torch.Tensor], path: str | Path) -> None:
    """Check that averaged weights (EMA) in a checkpoint are those of the model.

    Raises:
        CheckpointError: Some have another shape or kind of type.
    """
    saved = content.get("ema_state_dict")
    if not isinstance(saved, Mapping):
        return
    average = {str(name).removeprefix("module."): value for name, value in saved.items()}
    refuse(problems_of(average, model), path)
    misshapen = compare_states(model, {k: v for k, v in average.items() if isinstance(v, torch.Tensor)})[2]
    if misshapen:
        raise CheckpointError(f"The averaged weights in {path} are of another model: {shortlist(misshapen, 6)}.")


def newest_whole(folder: Path, before: str | None = None) -> Path | None:
    """The newest checkpoint of a folder that a training can continue from.

    Args:
        folder: Of a run.
        before: Name of a checkpoint; only older ones are looked at. None for all.
    """
    limit = NUMBERED.fullmatch(before or "")
    numbered = {path: int(found[1]) for path in folder.glob("*.pth") if (found := NUMBERED.fullmatch(path.name))}
    for path in sorted(numbered, key=lambda path: -numbered[path]):
        if path.name == before or (limit and numbered[path] >= int(limit[1])):
            continue
        try:
            check_resumable(read_checkpoint(path), path, scheduled=False)
        except (CheckpointError, OSError):
            continue
        return path
    return None


def _offer(path: Path | None) -> str:
    return "" if path is None else f"{path} is whole: continue from it with --resume {path}"
