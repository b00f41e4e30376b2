"""Seeds of a training: the config's own, and that of the draws of augmentations, which follows it.

What draws by a seed of its own (hooks, :class:`mmfan.SeedByPicture`) would draw the same for every seed of the training
if nobody told it: several trainings would share all of their augmentations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config, ConfigDict

from mmfan.errors import ConfigError
from mmfan.training.recipe_places import hooks_of, inner_steps, keep_variable, kinds, pipelines, short
from mmfan.utils.checks import whole_number
from mmfan.utils.type_names import same_type

SEEDING, PASSES = "mmfan.SeedByPicture", "mmfan.PassSampler"
# hooks that draw, by a seed of their own
DRAWING = ("mmfan.FeatureAugmentHook", "mmfan.AmplitudeMixHook", "mmfan.AttentionDiversityHook")
MOST = 2**32 - 1  # of NumPy's generator


def checked_seed(name: str, seed: Any) -> int:
    """A seed that every generator of a training takes.

    Raises:
        ConfigError: It is no whole number of 0 to 2^32 - 1.
    """
    try:
        number = whole_number(name, seed, 0)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if number > MOST:
        raise ConfigError(f"Expected `{name}` to be a whole number of at most {MOST}, got {number}.")
    return number


def seed_of(cfg: Config) -> int | None:
    """The seed of a training, ``randomness.seed``; None where the config has none.

    Raises:
        ConfigError: ``randomness`` is no dict, or its seed no seed.
    """
    randomness = cfg.get("randomness", {})
    if not isinstance(randomness, Mapping):
        raise ConfigError(f"Expected `randomness` to be a dict, as dict(seed=0), got {randomness!r:.80}.")
    seed = randomness.get("seed")
    return None if seed is None else checked_seed("randomness.seed", seed)


def follow_seed(cfg: Config, seed: int) -> list[str]:
    """Let what draws by a seed, and has none of its own, draw by that of the training.

    Args:
        cfg: Is changed.
        seed: Of the training. With 0 nothing changes, as all of them draw by 0 then.

    Returns:
        The types of hooks and steps that follow it. Hooks that name a seed keep theirs, and steps one other than 0,
        which the shipped configs write out.
    """
    followed = []
    for hook in hooks_of(cfg):
        if _draws(hook) and seed and "seed" not in hook:
            hook["seed"] = seed
            followed.append(f"mmfan.{short(hook)}")
    for step in _seeding([cfg.get("train_dataloader"), hooks_of(cfg), cfg.get("train_pipeline")]):
        if seed and not step.get("seed"):
            step["seed"] = seed
            followed.append(SEEDING)
    return list(dict.fromkeys(followed))


def seed_draws(cfg: Config, seed: int) -> str:
    """Let the draws of hooks come from the seed, those of the pipeline from seed, picture and pass.

    Args:
        cfg: Is changed.
        seed: Of the training.

    Returns:
        A line on what draws by which seed.
    """
    follow_seed(cfg, seed)
    loader = cfg.train_dataloader
    tables = [kind for kind in kinds(loader.dataset) if kind.endswith("ClassBalancedDataset")]
    if tables or not loader.get("sampler"):
        why = tables[0] if tables else "a loader without a sampler"
        return (
            f"seeds: {seed}, of hooks alone{_own(cfg, seed)}; the pipeline is left as it is, as {why} does not tell "
            "the pass: draws depend on the number of workers"
        )
    if not same_type(loader.sampler.type, PASSES):
        loader.sampler = ConfigDict(type=PASSES, sampler=loader.sampler)
    for part, key in pipelines(cfg):
        if not part[key] or not same_type(part[key][0]["type"], SEEDING):
            part[key] = [ConfigDict(type=SEEDING, seed=seed), *part[key]]
    keep_variable(cfg)
    return (
        f"seeds: {seed}, by {SEEDING} and {PASSES}{_own(cfg, seed)}; the same draws for any number of workers"
        f"{_unless(cfg)}"
    )


def _draws(hook: Any) -> bool:
    return any(same_type(hook.get("type"), kind) for kind in DRAWING)


def _seeding(part: Any) -> Iterator[Any]:
    """The steps that seed, anywhere in a part of a config."""
    if isinstance(part, Mapping):
        if same_type(part.get("type"), SEEDING):
            yield part
        for value in part.values():
            yield from _seeding(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _seeding(value)


def _own(cfg: Config, seed: int) -> str:
    """What keeps a seed of its own, for the line."""
    drawing = [hook for hook in hooks_of(cfg) if _draws(hook)]
    steps = _seeding([cfg.train_dataloader, hooks_of(cfg)])
    told = {f"mmfan.{short(one)} keeps its own, {one.get('seed', 0)}": None
            for one in (*drawing, *steps) if one.get("seed", 0) != seed}  # fmt: skip
    return "".join(f"; {one}" for one in told)


def _unless(cfg: Config) -> str:
    """What draws by the process all the same."""
    names = [short(step) for part, key in pipelines(cfg) for step in part[key]]
    inner = [short(step) for step in inner_steps(cfg)]
    told = dict.fromkeys(name for name in names if name.startswith("Cached"))  # mixes in what its process loaded before
    told |= dict.fromkeys(name for name in inner if not name.startswith("Load"))  # is done before the seed is set
    return f", but for {' and '.join(told)}, whose draws are those of a process" if told else ""
