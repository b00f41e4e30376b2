"""Data sets of the conditions of real weather, in OpenMMLab's loop: built from the config of the clean one."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.registry import DATASETS

from mmfan.corruptions.cell import Cell
from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.conditions.weather_settings import MIXED, REFERENCE_NAME, folders_of, tree_of
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.judging.weather import (
    Places,
    contents_text,
    facts_of,
    place_of,
    refuse_other_truth,
    shown_names,
    weather_cells,
)
from mmfan.evaluation.loop.building import building
from mmfan.evaluation.loop.identity.contents import held_by
from mmfan.evaluation.loop.loading.picture_names import name_pictures, root_of_names
from mmfan.evaluation.loop.preflight.metric import needs_labels, needs_objects
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator, make_evaluator
from mmfan.evaluation.protocol import Protocol

_TYPES = {
    "acdc": "ACDCDataset",
    "dark_zurich": "DarkZurichDataset",
    "night_driving": "NightDrivingDataset",
    "muses": "MUSESDataset",
    "bdd100k": "BDD100KDataset",
    "coco_o": "CocoODataset",
    "exdark": "ExDarkDataset",
}


@dataclass(frozen=True)
class PictureSet:
    """The pictures of one cell.

    Attributes:
        dataset: Of OpenMMLab, in parts.
        start: Number of its first picture among all of a run.
        chosen: Numbers of those judged, from 0.
        names: Theirs.
        evaluator: Scores them.
    """

    dataset: Joined
    start: int
    chosen: Sequence[int]
    names: Sequence[str]
    evaluator: RetentionEvaluator

    @property
    def numbers(self) -> list[int]:
        """Numbers of the pictures judged among all of a run."""
        return [self.start + number for number in self.chosen]

    @property
    def contents(self) -> str:
        """What the pictures and their truth are."""
        files = [getattr(metric, "ann_file", None) for metric in self.evaluator.metrics]
        return contents_text(self.names, *held_by(self.dataset, self.chosen, [file for file in files if file]))


class Joined:
    """Data sets one behind the other, which keep their pipelines.

    mmengine's ``ConcatDataset`` takes none that are joined already, and none that differ in a palette.

    Args:
        datasets: Of OpenMMLab, with one list of classes.
    """

    def __init__(self, datasets: Sequence[Any]) -> None:
        self.datasets = list(datasets)

    @property
    def metainfo(self) -> Any:
        """That of the first."""
        return self.datasets[0].metainfo

    def __len__(self) -> int:
        return sum(map(len, self.datasets))

    def _place(self, number: int) -> tuple[Any, int]:
        for dataset in self.datasets:
            if number < len(dataset):
                return dataset, number
            number -= len(dataset)
        raise IndexError("a number beyond the data sets")

    def __getitem__(self, number: int) -> Any:
        dataset, own = self._place(number)
        return dataset[own]

    def get_data_info(self, number: int) -> Any:
        """The annotation of a sample."""
        dataset, own = self._place(number)
        return dataset.get_data_info(own)


class OtherPictures:
    """The pictures of a run's cells of weather.

    Args:
        cells: All cells of a run.
        places: The sets that they are of.
        config: Of the data set of the clean pictures.
        dataset: The same, built.
        evaluator: The config of the evaluator of the clean pictures, and what was built from it: it scores label maps
            of any set; objects are scored by one with annotations of their own.
        limit: Judge this many pictures of each; None for all.

    Attributes:
        sets: Number of a cell -> its pictures.
        name_of_path: The name of every picture of these sets.
        whole: The clean data set and those of the cells, one behind the other; the clean one where there are no others.

    Raises:
        FileNotFoundError: A folder or a file is not there, with the advice how to get it.
        MMFanError: The classes are others, or a set cannot be built.
    """

    def __init__(
        self, cells: Sequence[Cell], places: Places | None, config: Any, dataset: Any,
        evaluator: tuple[Any, RetentionEvaluator], limit: int | None,
    ) -> None:  # fmt: skip
        self.cells, self.sets = tuple(cells), dict[int, PictureSet]()
        self.name_of_path: dict[str, str] = {}
        start = len(dataset)
        for cell in weather_cells(cells):
            _check_truth(cell, places or {}, evaluator[1])
            own = Joined([_built(one) for one in _configs(cell, places or {}, config)])
            _check_classes(cell, own, dataset)
            named = [name_pictures(part, root_of_names(part)) for part in own.datasets]
            names = [name for _, part in named for name in part]
            for paths, part in named:
                self.name_of_path |= zip(paths, part, strict=True)
            chosen, scored = spread(len(own), limit), _evaluator_of(own, *evaluator)
            self.sets[cells.index(cell)] = PictureSet(own, start, chosen, [names[at] for at in chosen], scored)
            start += len(own)
        self.whole: Any = Joined([dataset, *(one.dataset for one in self.sets.values())]) if self.sets else dataset

    def shown(self, count: int) -> dict[int, str]:
        """So many pictures of each cell, which are kept beside the results: number among all of a run -> name."""
        found: dict[int, str] = {}
        for number, one in self.sets.items():
            names = shown_names(self.cells[number], one.names, count)
            found |= {one.numbers[at]: name for at, name in names.items()}
        return found

    def with_contents(self, protocol: Protocol) -> Protocol:
        """The run's protocol, whose conditions say what their pictures hold."""
        return protocol.told(facts_of({protocol.judged[number]: one.contents for number, one in self.sets.items()}))


def _check_truth(cell: Cell, places: Places, evaluator: RetentionEvaluator) -> None:
    """See that the set has what the metric scores; of metrics of a kind of their own nothing is known."""
    name, *_, place = place_of(cell, places)
    objects = needs_objects(evaluator.metrics)
    if not isinstance(place, Mapping) and objects != needs_labels(evaluator.metrics):
        refuse_other_truth(name, objects=objects)


def _built(config: dict[str, Any]) -> Any:
    with building(f"the data set {config.get('type')} of real weather"):
        dataset = DATASETS.build(config)
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    return dataset


def _configs(cell: Cell, places: Places, config: Any) -> list[dict[str, Any]]:
    """The configs of the parts of a cell's pictures."""
    name, split, condition, place = place_of(cell, places)
    pipeline = _pipeline_of(config)
    if isinstance(place, Mapping):
        return [{"pipeline": pipeline, "test_mode": True, **copy.deepcopy(dict(place))}]
    if not isinstance(place, (str, os.PathLike)) or name not in _TYPES:
        raise ConfigError(
            f"Expected the place of {name} as the root of a set that mmfan knows ({', '.join(_TYPES)}), or as a dict "
            f"condition -> config of a data set, got {place!r:.80}."
        )
    same = {"type": f"mmfan.{_TYPES[name]}", "data_root": os.fspath(place), "pipeline": pipeline, "test_mode": True}
    if name == "coco_o":
        return [{**same, "domain": condition}]
    if name == "exdark":
        return [{**same, "split": split}]
    if condition != REFERENCE_NAME:
        folders_of(name, condition)
        return [{**same, "split": split, "condition": None if condition == MIXED else condition}]
    kinds = {"img_path": "rgb_anon", "seg_map_path": "gt"}
    return [
        {
            **same,
            "type": "mmfan.ACDCReferenceDataset",
            "data_prefix": {key: f"{top}/{folder}/{split}_ref" for key, top in kinds.items()},
        }
        for folder in tree_of(name).conditions
    ]


def _pipeline_of(config: Any) -> Any:
    """The test pipeline of a data set, inside wrappers too."""
    while isinstance(config, Mapping) and "pipeline" not in config:
        inner = config.get("dataset") or (config.get("datasets") or [None])[0]
        config = inner
    if not isinstance(config, Mapping):
        raise ConfigError("Real weather goes through the pipeline of the test data set, and its config has none.")
    return copy.deepcopy(config["pipeline"])


def _check_classes(cell: Cell, own: Joined, dataset: Any) -> None:
    wanted, has = (tuple(one.metainfo.get("classes", ())) for one in (dataset, own))
    if wanted != has:
        raise MMFanError(
            f"{cell} has other classes than the clean pictures ({', '.join(has[:5])} ... instead of "
            f"{', '.join(wanted[:5])} ...): a model has one list of classes. Judge it on a set of its own."
        )


def _evaluator_of(own: Joined, config: Any, built: RetentionEvaluator) -> RetentionEvaluator:
    """What scores a set: the evaluator as it is, or for objects one with the set's annotations."""
    file = getattr(own.datasets[0], "ann_file", "")
    if not any(getattr(metric, "ann_file", None) for metric in built.metrics):
        return built
    made = make_evaluator(_with_annotations(config, file))
    made.dataset_meta = own.metainfo
    return made


def _with_annotations(config: Any, file: str) -> Any:
    if isinstance(config, Mapping):
        return {key: file if key == "ann_file" else _with_annotations(value, file) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_with_annotations(one, file) for one in config]
    return config
