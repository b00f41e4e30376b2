"""Contents of what a config judges, to be hashed: the samples of its dataset and the arguments of its metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine import fileio

from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.errors import MMFanError
from mmfan.evaluation.judging import contents as judging
from mmfan.evaluation.judging.contents import Contents, Held, hash_contents, name_of

# Keys of a sample that say where something is; what is there is hashed instead.
PLACES = frozenset({"img_path", "seg_map_path", "file_name", "filename", "img", "corruption_name_root", "sample_idx"})
# Arguments of a metric that change no score; an annotation file is hashed by what it holds.
HARMLESS = frozenset({"ann_file", "backend_args", "collect_device", "file_client_args", "outfile_prefix", "output_dir"})


def contents_of(
    dataset: Any, chosen: Sequence[int], names: Sequence[str], evaluator: Any, flips: bool = False
) -> Contents:
    """Hash what is judged, reading every file once.

    Args:
        dataset: A built dataset, or wrappers around some.
        chosen: The numbers of the samples judged.
        names: Names of their pictures, in the same order; the order of neither changes a hash.
        evaluator: The config of the evaluator, or one that is built.
        flips: Whether flips are counted beside its scores.

    Raises:
        FileNotFoundError: A picture or a label map is not there.
        MMFanError: A file cannot be read.
    """
    of_sample, files = held_by(dataset, chosen, _annotation_files(evaluator))
    settings = {"evaluator": evaluator, "flips": True} if flips else evaluator
    return hash_contents(names, of_sample, files, metric_hash(settings, dataset.metainfo.get("classes", ())))


def held_by(
    dataset: Any, chosen: Sequence[int], annotations: Sequence[str]
) -> tuple[Callable[[int], Held], list[bytes]]:
    """What the samples of a data set hold, by their places among those chosen, and the content of annotation files."""
    backend = getattr(innermost_datasets(dataset)[0], "backend_args", None)

    def of_sample(place: int) -> Held:
        sample = dataset.get_data_info(chosen[place])
        pixels = np.asarray(sample["img"]) if "img" in sample else _read(sample["img_path"], backend)
        labels = _read(sample["seg_map_path"], backend) if sample.get("seg_map_path") else b""
        return Held(pixels, {key: value for key, value in sample.items() if key not in PLACES}, labels)

    return of_sample, [_read(path, None) for path in annotations]


def metric_hash(evaluator: Any, classes: Iterable[str]) -> str:
    """Hash of what decides about a score beside predictions and truth: the metric's arguments, the classes' names."""
    return judging.metric_hash(_arguments(evaluator), classes)


def _arguments(evaluator: Any) -> Any:
    """The config of an evaluator without what changes no score; of one that is built the kinds of its metrics."""
    if isinstance(evaluator, Mapping):
        return {key: _arguments(value) for key, value in evaluator.items() if key not in HARMLESS}
    if isinstance(evaluator, (list, tuple)):
        return [_arguments(value) for value in evaluator]
    metrics = getattr(evaluator, "metrics", None)
    if metrics is not None:
        return [name_of(type(metric)) for metric in metrics]
    return evaluator


def _annotation_files(evaluator: Any) -> list[str]:
    if isinstance(evaluator, Mapping):
        own = [evaluator["ann_file"]] if isinstance(evaluator.get("ann_file"), str) else []
        return own + [file for value in evaluator.values() for file in _annotation_files(value)]
    if isinstance(evaluator, (list, tuple)):
        return [file for value in evaluator for file in _annotation_files(value)]
    return [one.ann_file for one in getattr(evaluator, "metrics", ()) if getattr(one, "ann_file", None)]


def _read(path: str, backend: dict[str, Any] | None) -> bytes:
    try:
        return fileio.get(path, backend_args=backend)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise MMFanError(f"{path} cannot be read: {error}") from error
