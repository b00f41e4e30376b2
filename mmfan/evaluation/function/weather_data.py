"""Pictures of the conditions of real weather, for judging anything that predicts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmfan.corruptions.cell import Cell
from mmfan.datasets.cityscapes_labels import TRAIN_CLASSES
from mmfan.datasets.prepare import coco_o, exdark
from mmfan.datasets.prepare.weather_trees import PREPARE_COMMAND, TREES, Tree
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.conditions.weather_settings import REFERENCE_NAME, folders_of
from mmfan.evaluation.function.scoring.scoring import ObjectScores, Scores, scores_of
from mmfan.evaluation.function.sources.sources import Chosen, CocoData, Data, SegmentationData
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.judging.weather import (
    Places,
    contents_text,
    facts_of,
    place_of,
    refuse_other_truth,
    weather_cells,
)
from mmfan.evaluation.protocol import Protocol


def weather_data(cells: Sequence[Cell], places: Places | None, data: Data) -> dict[Cell, Data]:
    """What holds the pictures of each cell of weather.

    Args:
        cells: All cells of a run.
        places: The sets that they are of.
        data: The clean pictures: those of weather have their classes.

    Raises:
        FileNotFoundError: A folder or a file is not there, with the advice how to get it.
        MMFanError: The classes are others, or a set of one's own is of something else.
    """
    return {cell: _data_of(cell, places or {}, data) for cell in weather_cells(cells)}


# Cell -> its pictures and what scores them, where it is of other pictures.
Others = Mapping[Cell, tuple[Chosen, Scores]]


def other_pictures(
    found: Mapping[Cell, Data], start: int, limit: int | None, scores: Scores, calibration: bool | str
) -> dict[Cell, tuple[Chosen, Scores]]:
    """The pictures that are judged of each set, and what scores them.

    Args:
        found: From :func:`weather_data`.
        start: How many clean pictures there are.
        limit: Judge this many pictures of each; None for all.
        scores: Those of the clean pictures, which score label maps of any set.
        calibration: As of :func:`mmfan.judge`.
    """
    others: dict[Cell, tuple[Chosen, Scores]] = {}
    for cell, data in found.items():
        chosen = Chosen(data, spread(len(data), limit), start)
        own = scores_of(data, calibration) if isinstance(scores, ObjectScores) else scores
        others[cell] = chosen, own
        start += len(chosen)
    return others


def with_contents(protocol: Protocol, others: Others) -> tuple[Protocol, dict[Cell, tuple[Chosen, Scores]]]:
    """A protocol whose conditions say what their pictures hold, and the pictures of its cells."""
    texts = {
        cell: contents_text(chosen.names, chosen.held, chosen.data.files()) for cell, (chosen, _) in others.items()
    }
    told = protocol.told(facts_of(texts))
    renamed = dict(zip(protocol.judged, told.judged, strict=True))
    return told, {renamed[cell]: entry for cell, entry in others.items()}


def _data_of(cell: Cell, places: Places, data: Data) -> Data:
    name, split, condition, place = place_of(cell, places)
    if isinstance(place, Data):
        found = place
    elif not isinstance(place, (str, os.PathLike)):
        raise WrongTypeError(
            f"Expected the place of {name} as its root, or as a dict condition -> data, got {type(place).__name__}."
        )
    elif isinstance(data, CocoData):
        found = _objects(name, split, condition, Path(place), data)
    elif isinstance(data, SegmentationData):
        found = _label_maps(name, split, condition, Path(place), data)
    else:
        raise MMFanError(f"Real weather is for segmentors and detectors, not for {type(data).__name__}.")
    _check_alike(found, data, f"{name}, {condition}")
    return found


def _check_alike(found: Data, data: Data, what: str) -> None:
    if type(found) is not type(data):
        raise WrongTypeError(f"{what} must be {type(data).__name__}, as the clean pictures are.")
    if tuple(found.classes) != tuple(data.classes):
        raise MMFanError(
            f"{what} has other classes than the clean pictures ({', '.join(found.classes[:5])} ... instead of "
            f"{', '.join(data.classes[:5])} ...): a model has one list of classes."
        )
    if isinstance(found, SegmentationData) and isinstance(data, SegmentationData) and found.reading != data.reading:
        raise MMFanError(
            f"The label maps of {what} are read otherwise than those of the clean pictures (ignore_index, label_map, "
            "reduce_zero_label): give both in one numbering, for sets of Cityscapes' classes its train ids."
        )


def _objects(name: str, split: str, condition: str, root: Path, data: CocoData) -> CocoData:
    refuse_other_truth(name, objects=True)
    if name == "coco_o":
        folder, file = coco_o.picture_folder(condition), coco_o.annotation_file(condition)
    else:
        folder, file = exdark.PICTURES, exdark.annotation_file(split)
    if not (root / file).is_file():
        advice = coco_o.ADVICE if name == "coco_o" else f"{exdark.ADVICE} `{PREPARE_COMMAND} exdark` writes it."
        raise FileNotFoundError(f"There is no {(root / file).resolve()}. {advice}")
    return CocoData(root / folder, root / file, data.classes, masks=data.masks, palette=data.palette, name=name)


def _label_maps(name: str, split: str, condition: str, root: Path, data: SegmentationData) -> SegmentationData:
    refuse_other_truth(name, objects=False)
    if data.classes != TRAIN_CLASSES:
        raise MMFanError(
            f"{name} has the 19 classes of Cityscapes, and the data has {len(data.classes)}: "
            f"{', '.join(data.classes[:5])} ... Give label maps of these as a set of your own: "
            "weather={'mine': {'fog': SegmentationData(...)}}."
        )
    frames = condition == REFERENCE_NAME
    tree = TREES[f"{name}_reference"] if frames else TREES[name]
    folders = tree.conditions if frames else folders_of(name, condition)
    entries: list[tuple[Any, Any, str]] = []
    for folder in folders:
        entries += _entries(tree, split, folder, root)
    found = SegmentationData(
        entries, classes=data.classes, ignore_index=data.ignore_index, palette=data.palette, name=name
    )
    found.reading = replace(data.reading, label_map=None, reduce_zero_label=False)
    return found


def _entries(tree: Tree, split: str, folder: str, root: Path) -> list[tuple[Any, Any, str]]:
    """Pictures, label maps and names of one folder of a tree."""
    pictures = root / tree.picture_folder(split, folder)
    labels = root / tree.labels.format(split=split, condition=folder)
    for place in (pictures, labels):
        if not place.is_dir():
            raise FileNotFoundError(f"The folder {place.absolute()} does not exist.\n{tree.advice(root)}")
    own = SegmentationData(
        pictures, labels, TRAIN_CLASSES, root=root / tree.top, image_suffix=tree.picture_suffix,
        label_suffix=tree.label_suffix,
    )  # fmt: skip
    return [tuple(own.item(number)[:3]) for number in range(len(own))]
