"""The miniature of real weather on disk: fog, night, rain, snow, and the same streets in good weather, as in ACDC."""

import os
from pathlib import Path

import numpy as np

from mmfan.datasets.cityscapes_labels import PALETTE, TRAIN_ID_OF
from mmfan.datasets.miniature.render.weather import CONDITIONS, Weather
from mmfan.datasets.miniature.scene import Scene, draw_scene
from mmfan.datasets.miniature.sets.build import SPLITS, Progress, Recipe, build_set
from mmfan.datasets.miniature.sets.cityscapes import CITIES, save_png
from mmfan.errors import MMFanError

VERSION = 1
"""Raised whenever the same seed draws other pictures."""

LABEL_KINDS = ("labelIds", "labelTrainIds", "labelColor")
# what tells these scenes from those of the miniature Cityscapes with the same seed
_APART = 11


def draw_in_weather(
    seed: int, condition: str, split: str, index: int, size: tuple[int, int] = (512, 256)
) -> tuple[Scene, Scene]:
    """Draw picture ``index`` of a condition: in bad weather, and the same street in good weather.

    Args:
        seed: Seed of the set, 0 or more.
        condition: One of :data:`mmfan.datasets.miniature.render.weather.CONDITIONS`.
        split: "train" or "val".
        index: Number of the picture in its condition and split, from 0.
        size: (width, height) in pixels.

    Raises:
        MMFanError: There is no such condition or split, or the size is too small.
    """
    if split not in SPLITS:
        raise MMFanError(f"Expected `split` to be one of {', '.join(SPLITS)}, but got {split!r}.")
    if condition not in CONDITIONS:
        raise MMFanError(f"Expected a condition of {', '.join(CONDITIONS)}, got {condition!r}.")
    place = [seed, SPLITS.index(split), index, _APART, CONDITIONS.index(condition)]
    weather = Weather(condition, _generator([*place, 1]))
    return draw_scene(_generator([*place, 0]), size, weather), draw_scene(_generator([*place, 0]), size)


def _generator(numbers: list[int]) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(numbers)))


def _name(condition: str, split: str, index: int) -> str:
    towns = CITIES[split]
    town = f"{towns[index % len(towns)]}_{condition}"  # names of files are unique in the set, as in ACDC
    return f"{town}/{town}_frame_{index:06d}"


def _places(condition: str, split: str, index: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Beginnings of the picture's and its labels' paths, in bad and in good weather."""
    name = _name(condition, split, index)
    return (
        (f"rgb_anon/{condition}/{split}/{name}_rgb", f"gt/{condition}/{split}/{name}_gt"),
        (f"rgb_anon/{condition}/{split}_ref/{name}_rgb_ref", f"gt/{condition}/{split}_ref/{name}_gt_ref"),
    )


def _files(split: str, index: int) -> list[str]:
    return [
        file
        for condition in CONDITIONS
        for picture, labels in _places(condition, split, index)
        for file in (f"{picture}_anon.png", *(f"{labels}_{kind}.png" for kind in LABEL_KINDS))
    ]


def _work(root: Path, split: str, index: int, seed: int, size: tuple[int, int]) -> None:
    for condition in CONDITIONS:
        scenes = draw_in_weather(seed, condition, split, index, size)
        for scene, (picture, labels) in zip(scenes, _places(condition, split, index), strict=True):
            save_png(root / f"{picture}_anon.png", scene.image)
            contents = scene.label_ids, TRAIN_ID_OF[scene.label_ids], PALETTE[scene.label_ids]
            for kind, content in zip(LABEL_KINDS, contents, strict=True):
                save_png(root / f"{labels}_{kind}.png", content)


WEATHER = Recipe(
    kind="mmfan miniature weather",
    version=VERSION,
    folders=tuple(
        f"{top}/{condition}/{split}{reference}"
        for top in ("rgb_anon", "gt")
        for condition in CONDITIONS
        for split in SPLITS
        for reference in ("", "_ref")
    ),
    files=_files,
    work=_work,
)


def write_weather(
    target: str | os.PathLike,
    train: int = 0,
    val: int = 10,
    size: tuple[int, int] = (512, 256),
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> bool:
    """Write a miniature of real weather in the tree of ACDC.

    ``target`` gets ``rgb_anon/{fog,night,rain,snow}/{train,val}/TOWN_*/TOWN_*_frame_*_rgb_anon.png``, the same streets
    in good weather in ``{train,val}_ref/.../..._rgb_ref_anon.png``, and beside them ``gt/.../..._gt_labelTrainIds.png``
    (``_gt_ref_labelTrainIds.png``), label ids and colours, and a manifest. As
    :func:`mmfan.datasets.miniature.write_cityscapes` it is drawn whole or not at all, and does not depend on
    ``workers``.

    Args:
        target: Folder to make.
        train: Number of training pictures of each condition.
        val: Number of validation pictures of each condition.
        size: (width, height) of a picture in pixels.
        seed: Seed of the set.
        workers: Number of processes; None for one per core.
        progress: Called with (done, total), each the four conditions of one number.
        force: Replace a miniature that was made with other options. Never replaces any other folder.

    Returns:
        Whether anything was drawn: False if ``target`` is already this very set.

    Raises:
        MMFanError: If an argument is out of range.
        FileExistsError: If ``target`` exists and is not this set.
        OSError: If a file cannot be written.
    """
    return build_set(WEATHER, target, train, val, size, seed, workers, progress, force)
