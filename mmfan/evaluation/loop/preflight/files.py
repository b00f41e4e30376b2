"""Preflight of the files of a dataset: their headers, where its pipelines read them from this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile

from mmfan.datasets.transforms.load_image import LoadImageFromFile
from mmfan.datasets.transforms.pipelines import innermost_datasets, loads_picture, walk
from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.judging.headers import Size, check_labels, check_pictures
from mmfan.evaluation.loop.loading.corrupting import LoadCorrupted

LABEL_STEPS = ("LoadAnnotations", "LoadSegAnnotations")  # which read picture files, of mmsegmentation and mmfan


def reads_local_files(dataset: Any) -> bool:
    """Whether every pipeline of a dataset reads its pictures from files of this machine, with a step that is known."""
    steps = [
        step
        for inner in innermost_datasets(dataset)
        for step in walk(inner.pipeline)
        if loads_picture(step) or isinstance(step, LoadCorrupted)
    ]
    return bool(steps) and all(_is_local(step) for step in steps)


def _is_local(step: Any) -> bool:
    if isinstance(step, LoadCorrupted):  # which the loop has put in its place
        step = getattr(step.load, "step", step.load)
    if type(step) not in (MMCVLoadImageFromFile, LoadImageFromFile):
        return False
    backends = (step.backend_args, step.file_client_args)
    return all(
        backend is None or (isinstance(backend, Mapping) and backend.get("backend") in ("local", "disk"))
        for backend in backends
    )


def check_headers(
    dataset: Any, names: Sequence[str], samples: Sequence[Mapping[str, Any]], least: int, findings: Findings
) -> list[Size | None]:
    """Look at the begin of every picture and label map: is it there, is it one, and do the sizes agree?

    Args:
        dataset: What the samples are of.
        names: Names of the pictures.
        samples: As ``get_data_info`` gives them: ``img_path``, perhaps ``seg_map_path``, ``width`` and ``height``.
        least: The smallest side that a picture may have, in pixels.
        findings: Takes in what is wrong.

    Returns:
        Width and height of each picture before any turn that EXIF asks for; None where it cannot be told.
    """
    if not reads_local_files(dataset):
        return [None] * len(samples)
    sizes = check_pictures(names, samples, least, findings)
    if _reads_label_files(dataset):
        cure = "Give the dataset data_prefix=dict(seg_map_path=...), without which nothing can be scored."
        check_labels(names, samples, sizes, cure, findings)
    return sizes


def _reads_label_files(dataset: Any) -> bool:
    """Whether every pipeline of a dataset has a step that is known to read label maps from picture files."""
    return all(
        any(type(step).__name__ in LABEL_STEPS and getattr(step, "with_seg", True) for step in walk(inner.pipeline))
        for inner in innermost_datasets(dataset)
    )
