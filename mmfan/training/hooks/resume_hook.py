"""``ResumeHook``: a resumed training is the training that was interrupted, or says in what it is another one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop

from mmfan.registry import HOOKS
from mmfan.utils.type_names import full_name

# in the meta of a checkpoint
GENERATORS = "generators"  # name -> state, a tensor of bytes
PLUG_INS = "plug_ins"  # what shapes the training: type -> its settings as JSON


@HOOKS.register_module()
class ResumeHook(Hook):
    """Write the state of torch's generator into checkpoints, and go on from it when a training is resumed.

    Dropout, drop path and the regions that a detector learns from are drawn by it: what is resumed draws as what was
    never interrupted. What validation draws is no part of the training's draws, since a resumed one does not repeat it.
    Hooks, wrapper of the model and steps of the pipeline are written as well; where those of a resumed training are
    others, a warning names them. ``mmfan train`` has the hook by itself.

    The state is that of the first process. The others take it over, as all start from one seed; with
    ``randomness.diff_rank_seed`` theirs are not kept, and they draw anew.
    """

    priority = "LOW"  # before the checkpoint is written, after all that may draw

    def __init__(self) -> None:
        self._resumed: Mapping[str, torch.Tensor] | None = None
        self._aside: Mapping[str, torch.Tensor] = {}

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Note the state of a checkpoint that the training goes on from; earlier versions wrote none."""
        if not getattr(runner, "resuming", False):
            return
        meta = checkpoint.get("meta", {})
        others = differences(meta.get(PLUG_INS), plug_ins_of(runner.cfg))
        if others:
            runner.logger.warning(
                f"This goes on as another training than the one that wrote the checkpoint: {others}. Give the same "
                "config and the same --robust; for a training of its own that starts from these weights set load_from."
            )
        if not (get_rank() and runner.cfg.get("randomness", {}).get("diff_rank_seed")):
            self._resumed = meta.get(GENERATORS)

    def before_train_epoch(self, runner: Any) -> None:
        """Go on from it, before an epoch's loading processes get their seeds."""
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            self._go_on()

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Go on from it, after a loop of iterations has passed over the batches that were seen."""
        self._go_on()

    def before_val(self, runner: Any) -> None:
        """Put the state aside."""
        self._aside = states()

    def after_val(self, runner: Any) -> None:
        """Take it again."""
        set_states(self._aside)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Write both."""
        checkpoint.setdefault("meta", {}).update({GENERATORS: states(), PLUG_INS: plug_ins_of(runner.cfg)})

    def _go_on(self) -> None:
        if self._resumed is not None:
            set_states(self._resumed)
            self._resumed = None


def states() -> dict[str, torch.Tensor]:
    """The states of torch's generators, of the CPU and of the current GPU."""
    cuda = {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {}
    return {"cpu": torch.get_rng_state(), **cuda}


def set_states(found: Mapping[str, torch.Tensor]) -> None:
    """Set them; those of a GPU only where there is one."""
    if "cpu" in found:
        torch.set_rng_state(found["cpu"].cpu())
    if "cuda" in found and torch.cuda.is_available():
        torch.cuda.set_rng_state(found["cuda"].cpu())


def plug_ins_of(cfg: Any) -> dict[str, str]:
    """What shapes a training beside its network: type -> settings, of custom hooks, wrapper of the model, and steps."""
    model = cfg.get("model") or {}
    parts = [*(cfg.get("custom_hooks") or []), *_steps((cfg.get("train_dataloader") or {}).get("dataset") or {})]
    if "of" in model:
        parts.append({"type": model["type"], "of": model["of"]})
    told: dict[str, str] = {}
    for part in parts:
        name = full_name(part.get("type"))  # of a class as a config holds it
        told[name] = told.get(name, "") + json.dumps(part, sort_keys=True, default=full_name)
    return told


def _steps(dataset: Any) -> Iterator[Any]:
    """The steps of a training set's pipeline, and of those of the sets within it."""
    yield from dataset.get("pipeline") or ()
    for inner in (dataset.get("dataset"), *(dataset.get("datasets") or ())):
        if inner:
            yield from _steps(inner)


def differences(before: Any, now: Mapping[str, str]) -> str:
    """What a training has that another had not, and the other way round; empty where they are alike or unknown.

    >>> differences({"RandomFlip": "{}", "EMAHook": "{}"}, {"RandomFlip": "{'prob': 1}", "mmfan.MaskBlocks": "{}"})
    'without EMAHook, with mmfan.MaskBlocks, with other settings of RandomFlip'
    """
    if not isinstance(before, Mapping):
        return ""
    found = [
        ("without", sorted(before.keys() - now.keys())),
        ("with", sorted(now.keys() - before.keys())),
        ("with other settings of", sorted(name for name in before.keys() & now.keys() if before[name] != now[name])),
    ]
    return ", ".join(f"{word} {' and '.join(names)}" for word, names in found if names)
