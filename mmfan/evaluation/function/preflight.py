"""Preflight of judging a callable: in seconds, what would else fail or be wrong after hours, all of it in one error."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.corruptions.engine import SMALLEST_SIDE
from mmfan.evaluation.conditions.works import first_of_each
from mmfan.evaluation.function.driver import Caller
from mmfan.evaluation.function.probe import probe_entry
from mmfan.evaluation.function.scoring.predictions import PredictionError
from mmfan.evaluation.function.scoring.scoring import LabelScores, Scores
from mmfan.evaluation.function.sources.items import Item, Preparation, Unit
from mmfan.evaluation.function.sources.sources import Chosen
from mmfan.evaluation.function.units import Units
from mmfan.evaluation.function.worker import make_here
from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.judging.headers import Size, check_labels, check_pictures, check_small, check_twice, smallest
from mmfan.evaluation.judging.pictures import highest_cells, spread
from mmfan.evaluation.judging.places import check_places
from mmfan.utils.text import counted
from mmfan.visualization.coco_results import Detections

LABELS_LOOKED_AT = 3


class Planned(NamedTuple):
    """What is about to be judged.

    Attributes:
        caller: Calls the model.
        cells: All that are wanted.
        items: The pictures.
        preparation: Makes them ready.
        results: The results file; None where nothing is kept.
        shown: Names of the pictures that are kept.
        logger: Told what was looked at.
        others: Cell -> its pictures and what scores them, where it is of other pictures.
    """

    caller: Caller
    cells: Sequence[Cell]
    items: Chosen
    preparation: Preparation
    results: Path | None
    shown: Sequence[str]
    logger: logging.Logger
    others: Mapping[Cell, tuple[Chosen, Scores]] = {}


def preflight(planned: Planned) -> dict[str, Any]:
    """Look for what would fail, or be wrong, after judging began.

    The model is called once, with the clean picture of the fewest pixels.

    Returns:
        The signature of what it said, for the records.

    Raises:
        PreflightError: With everything that was found.
    """
    began, findings = time.perf_counter(), Findings()
    data = planned.caller.scores.data
    sizes = _check_files(planned.items, findings)
    for items, _ in planned.others.values():
        _check_files(items, findings)
    if planned.results is not None:
        shown = [size for name, size in zip(planned.items.names, sizes, strict=True) if name in planned.shown]
        labels = isinstance(planned.caller.scores, LabelScores)
        counts = 3 * len(planned.items) * len(data.classes) if labels else 0
        check_places(planned.results, len(planned.cells), counts, shown, findings)
    findings.conclude("judging")  # what cannot be read would come up again below
    picture = smallest(sizes)
    for place in dict.fromkeys(spread(len(planned.items), LABELS_LOOKED_AT)):
        with findings.collected():
            make_here(planned.preparation, Unit(0, place, CLEAN, planned.items[place]))
    for items, _ in planned.others.values():
        for place in dict.fromkeys(spread(len(items), LABELS_LOOKED_AT)):
            with findings.collected():
                make_here(planned.preparation, Unit(0, items.start + place, CLEAN, items[place]))
    findings.conclude("judging")  # what cannot be made clean cannot be corrupted either
    units = Units(planned.cells, planned.items, planned.preparation)
    for number in highest_cells(planned.cells):
        with findings.collected():
            make_here(planned.preparation, units.of(number, picture))
    with findings.collected():
        _check_stored(planned)
    findings.conclude("judging")
    signature: list[float] = []
    with findings.collected():
        signature = _try_model(planned, picture)
    findings.conclude("judging")
    _try_works(planned, picture, units, findings)
    findings.conclude("judging")
    for remark in data.remarks:
        planned.logger.warning(remark)
    planned.logger.info(
        f"preflight: {counted(len(planned.items), 'picture')} and their truth by header, every kind of corruption on "
        f"one, and one through the model: nothing found in {time.perf_counter() - began:.1f} s"
    )
    return probe_entry(planned.items[picture].name, signature)


def _try_works(planned: Planned, picture: int, units: Units, findings: Findings) -> None:
    """Take one picture through what each condition does to the model."""
    caller, item = planned.caller, planned.items[picture]
    if caller.works is None:
        return
    for number in first_of_each(planned.cells):
        with findings.collected(), caller.works.during(planned.cells[number], {}):
            ready = make_here(planned.preparation, units.of(number, picture))
            caller.call(planned.cells[number], [item], [ready])
    caller.prepare_works(planned.cells, planned.preparation.seed)  # anew: some go on from what they have seen


def _check_files(items: Chosen, findings: Findings) -> list[Size | None]:
    """The headers of all files, and the shapes of what is in memory."""
    names = items.names
    check_twice(names, [{} for _ in names], "Give data that hold each picture once.", findings)
    sizes: list[Size | None] = [None] * len(names)
    files: dict[int, dict[str, Any]] = {}
    for at in range(len(names)):
        item = items[at]
        if isinstance(item.picture, str):
            files[at] = _sample(item)
        elif isinstance(item.picture, np.ndarray) and item.picture.ndim >= 2:
            sizes[at] = (item.picture.shape[1], item.picture.shape[0])
    check_small(names, sizes, SMALLEST_SIDE, findings)
    found = check_pictures([names[at] for at in files], list(files.values()), SMALLEST_SIDE, findings)
    for at, size in zip(files, found, strict=True):
        sizes[at] = size
    maps = [at for at, sample in files.items() if "seg_map_path" in sample]
    named, of_maps = [names[at] for at in maps], [sizes[at] for at in maps]
    check_labels(named, [files[at] for at in maps], of_maps, "Give every picture one.", findings)
    return sizes


def _check_stored(planned: Planned) -> None:
    """See that every picture of a set with stored corruptions is there under every cell."""
    if planned.items.under(0, planned.cells[-1]).corrupted:
        for cell in planned.cells:
            for place in range(len(planned.items)):
                planned.items.under(place, cell)


def _sample(item: Item) -> dict[str, Any]:
    stated = {} if item.size is None else {"width": item.size[0], "height": item.size[1]}
    return {"img_path": item.picture, **stated} | ({"seg_map_path": item.truth} if isinstance(item.truth, str) else {})


def _try_model(planned: Planned, picture: int) -> list[float]:
    """Call the model with one clean picture, and see that what it returns can be scored."""
    caller, item = planned.caller, planned.items[picture]
    ready = make_here(planned.preparation, Unit(0, picture, CLEAN, item))
    (output,) = caller.call(CLEAN, [item], [ready])
    prediction = caller.read(CLEAN, item, ready, output)
    caller.add_confidence(caller.scores, CLEAN, item, ready, output)
    if isinstance(caller.scores, LabelScores):
        caller.scores.forget()
    if isinstance(prediction, Detections):
        boxes = prediction.boxes
        if len(boxes) and float(boxes.max()) <= 1:
            raise PredictionError(
                f"All boxes predicted for {item.name} lie between 0 and 1: expected pixels. Multiply by the width and "
                "height of the picture."
            )
    return caller.scores.signature(prediction)
