"""The preflight itself: the checks in their order, for the loop that judges and for validation while training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from mmfan.corruptions.engine import SMALLEST_SIDE
from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.works import first_of_each
from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.judging.headers import Size, check_twice, smallest
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.judging.places import check_places
from mmfan.evaluation.loop.building import building
from mmfan.evaluation.loop.preflight.annotations import check_annotations
from mmfan.evaluation.loop.preflight.files import check_headers
from mmfan.evaluation.loop.preflight.metric import needs_objects, try_label_metrics, try_object_metrics
from mmfan.evaluation.loop.preflight.model import check_trained_classes, same_weights, try_model
from mmfan.evaluation.loop.preflight.samples import data_sample_of, same_random_numbers, try_cells
from mmfan.utils.text import counted

LABELS_LOOKED_AT = 3
EACH_ONCE = (
    "Judge a set that holds each picture once: no RepeatDataset, no sets joined that share pictures or ids, no line of "
    "a list twice."
)


def preflight(loop: Any, with_model: bool) -> str:
    """Look for what would fail, or be wrong, after judging began; nothing is changed.

    Args:
        loop: A built :class:`mmfan.evaluation.loop.robustness_loop.RobustnessLoop`.
        with_model: The model has its weights, and is tried on a picture.

    Returns:
        A sentence on what was looked at.

    Raises:
        PreflightError: With everything that was found.
    """
    began = time.perf_counter()
    findings = Findings()
    dataset, metrics = loop.clean_dataset, loop.evaluator.metrics
    samples = [dataset.get_data_info(number) for number in loop.chosen.numbers]
    check_twice(loop.chosen.names, samples, EACH_ONCE, findings)
    sound = check_annotations(dataset, metrics, findings)
    if loop.flips is not None and needs_objects(metrics):
        findings.add("Flips are counted of the label maps of segmentors, and this is a detector: leave `flips` out.")
    least = 1 if loop.disk or loop.alters else SMALLEST_SIDE
    sizes = check_headers(dataset, loop.chosen.names, samples, least, findings)
    for one in loop.others.sets.values():
        sound = _check_set(one, findings) and sound
    if loop.disk is not None:
        with findings.collected():
            remark = loop.disk.check_clean([sample["img_path"] for sample in samples])
            findings.notes += [remark] if remark else []
    if loop.store is not None:
        written = {} if loop.shown is None else loop.shown.names
        shown = [size for number, size in zip(loop.chosen.numbers, sizes, strict=True) if number in written]
        counts = 0 if needs_objects(metrics) else 3 * len(loop.chosen) * len(dataset.metainfo.get("classes", ()))
        check_places(loop.store.path, len(loop.cells), counts, shown, findings)
    if not sound:
        findings.conclude("judging")  # painting such masks may end the process
    try:
        with same_random_numbers():
            _try_pictures(loop, samples, sizes, with_model, findings)
    except Exception:
        findings.conclude("judging")  # what was found before is why; else it is a bug, and keeps its traceback
        raise
    for note in findings.notes:
        loop.runner.logger.warning(note)
    findings.conclude("judging")
    tried = ", one picture through the model" if with_model else ""
    return (
        f"preflight: {counted(len(samples), 'picture')} and their truth by header, every kind of corruption and the "
        f"metric on one{tried}: nothing found in {time.perf_counter() - began:.1f} s"
    )


def _check_set(one: Any, findings: Findings) -> bool:
    """Look at the files and annotations of a cell's own pictures; whether its annotations are sound."""
    samples = [one.dataset.get_data_info(number) for number in one.chosen]
    check_twice(one.names, samples, EACH_ONCE, findings)
    check_headers(one.dataset, one.names, samples, 1, findings)
    return check_annotations(one.dataset, one.evaluator.metrics, findings)


def _try_set(loop: Any, number: int, one: Any, findings: Findings) -> None:
    """Take a few of a cell's own pictures through the pipeline and the metric."""
    for place in dict.fromkeys(spread(len(one.numbers), LABELS_LOOKED_AT)):
        with findings.collected():
            with building("the pipeline"):
                _, sample = loop.dataloader.dataset[number, one.numbers[place]]
            with building("the evaluator"):
                try_label_metrics(one.evaluator.metrics, data_sample_of(sample), findings)
    with findings.collected(), building("the evaluator"):
        samples = [one.dataset.get_data_info(number) for number in one.chosen]
        try_object_metrics(one.evaluator.metrics, samples, findings)


def _try_pictures(
    loop: Any, samples: Sequence[Any], sizes: Sequence[Size | None], with_model: bool, findings: Findings
) -> None:
    """Take a few pictures through the pipelines, the metric and the model, but those that cannot be read."""
    loader = loop.dataloader
    readable = [number for number, size in zip(loop.chosen.numbers, sizes, strict=True) if size or not any(sizes)]
    picture = loop.chosen.numbers[smallest(sizes)]
    classes = loop.evaluator.dataset_meta.get("classes", ())
    tried = [readable[at] for at in spread(len(readable), LABELS_LOOKED_AT)]
    for number in dict.fromkeys([picture, *tried]):
        with findings.collected():
            with building("the pipeline"):
                _, sample = loader.dataset[0, number]
            with building("the evaluator"):
                try_label_metrics(loop.evaluator.metrics, data_sample_of(sample), findings)
    for number, one in loop.others.sets.items():
        _try_set(loop, number, one, findings)
    with findings.collected(), building("the evaluator"):
        try_object_metrics(loop.evaluator.metrics, samples, findings)
    with findings.collected(), building("the pipeline"):
        try_cells(loader.dataset, loop.cells, picture, findings)
    if with_model:
        check_trained_classes(getattr(loop.runner, "trained_classes", ()), classes, findings)
        with (
            same_weights(loop.runner.model),
            findings.collected(),
            building("the pipeline, and the model on its picture,"),
        ):
            [(_, batch)] = loader.collate_fn([loader.dataset[0, picture]])
            try_model(loop.runner.model, batch, classes, loop.computing, findings)
        if not findings.problems:
            _try_works(loop, picture, findings)


def _try_works(loop: Any, picture: int, findings: Findings) -> None:
    """Take one picture through what each condition does to the model: an hour later it would fail in the same way."""
    model, loader, works = loop.runner.model, loop.dataloader, loop.works()
    for number in first_of_each(loop.cells):
        with (
            same_weights(model),
            findings.collected(),
            building(f"the model under {loop.cells[number].condition}"),
            loop.computing.prepared(),
            torch.no_grad(),
            works.during(loop.cells[number], {}),
        ):
            [(_, batch)] = loader.collate_fn([loader.dataset[number, picture]])
            loop.computing.forward(partial(works.forward, model.test_step), batch)


def preflight_of_validation(loop: Any) -> None:
    """The cheap part for an ordinary loop that validates while training: files, annotations, metric.

    Args:
        loop: mmengine's ``ValLoop``, or one like it; what it has no datasets or metrics to look at for is passed over.

    Raises:
        PreflightError: With everything that was found.
    """
    dataset = getattr(getattr(loop, "dataloader", None), "dataset", None)
    metrics = getattr(getattr(loop, "evaluator", None), "metrics", None)
    if not metrics or dataset is None or not hasattr(dataset, "get_data_info") or not len(dataset):
        return
    try:
        innermost_datasets(dataset)
    except MMFanError:  # of a kind of its own, of which nothing is known
        return
    findings = Findings()
    samples = [dataset.get_data_info(number) for number in range(len(dataset))]
    if not all(sample.get("img_path") for sample in samples):
        return
    names = [sample["img_path"] for sample in samples]
    check_annotations(dataset, metrics, findings)
    check_headers(dataset, names, samples, 1, findings)
    findings.conclude("training")  # a file that is not there would come up again below
    with same_random_numbers():
        for number in spread(len(samples), LABELS_LOOKED_AT):
            with findings.collected():
                try_label_metrics(metrics, data_sample_of(dataset[number]), findings)
        try_object_metrics(metrics, samples, findings)
    findings.conclude("training")
