"""Preflight of the model: one forward pass of one clean picture, and the classes it was trained for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.loop.computing.computing import Computing
from mmfan.utils.text import shortlist


@contextmanager
def same_weights(model: torch.nn.Module) -> Iterator[None]:
    """Put back weights and buffers that the block changes, as those of models do that adapt to what they see."""
    kept = {name: value.detach().clone() for name, value in model.state_dict().items()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if not torch.equal(value, kept[name]):
                    value.copy_(kept[name])


@torch.no_grad()
def try_model(model: Any, batch: Any, classes: Sequence[str], computing: Computing, findings: Findings) -> None:
    """Take a batch of one picture through a model and look at what it says.

    Args:
        model: A model of OpenMMLab with its weights, in its mode for tests.
        batch: What the loader gives of one picture.
        classes: Those of the data set.
        computing: How the model computes.
        findings: Takes in what is wrong.
    """
    with findings.collected(), computing.prepared():
        for output in computing.forward(model.test_step, batch):
            _check_class(output, classes, findings)
            _check_labels(output, classes, findings)
            _check_objects(output, classes, findings)


def _check_class(output: Any, classes: Sequence[str], findings: Findings) -> None:
    """The scores of a classifier."""
    scores = getattr(output, "pred_score", None)
    if not isinstance(scores, torch.Tensor):
        return
    if scores.numel() != len(classes):
        findings.add(
            f"The model gives scores of {scores.numel()} classes, the data set has {len(classes)}: set num_classes in "
            "the network (or the head), or metainfo=dict(classes=...) in the dataset, to those the model was trained "
            "for. For a part of a model's classes (ImageNet-A) there is `judge --classifier` with `--outputs`."
        )
    _check_finite(scores, findings)


def _check_labels(output: Any, classes: Sequence[str], findings: Findings) -> None:
    """The label map of a segmentor and the scores behind it."""
    logits = getattr(getattr(output, "seg_logits", None), "data", None)
    if isinstance(logits, torch.Tensor) and logits.ndim == 3:
        channels = 2 if len(logits) == 1 else len(logits)  # two classes may share one map
        if channels != len(classes):
            findings.add(
                f"The model gives scores of {channels} classes, the data set has {len(classes)}: set num_classes in "
                "the decode_head, or metainfo=dict(classes=...) in the dataset, to those the model was trained for."
            )
        _check_finite(logits, findings)
    labels = getattr(getattr(output, "pred_sem_seg", None), "data", None)
    size = tuple(output.metainfo.get("ori_shape", ()))[:2] if hasattr(output, "metainfo") else ()
    if isinstance(labels, torch.Tensor) and size and tuple(labels.shape[-2:]) != size:
        findings.add(
            f"The model's label map is {tuple(labels.shape[-2:])} (rows x columns), the picture {size}: its prediction "
            "must be brought to the size of the picture."
        )


def _check_objects(output: Any, classes: Sequence[str], findings: Findings) -> None:
    """The objects of a detector."""
    objects = getattr(output, "pred_instances", None)
    if objects is None or "labels" not in objects or "bboxes" not in objects:
        return
    boxes = getattr(objects.bboxes, "tensor", objects.bboxes)
    if boxes.ndim != 2 or boxes.shape[-1] != 4:
        findings.add(f"The model's boxes are of the shape {tuple(boxes.shape)}; expected four numbers each.")
    _check_finite(boxes, findings)
    if "scores" in objects:
        _check_finite(objects.scores, findings)
    if len(objects.labels) and not 0 <= int(objects.labels.min()) <= int(objects.labels.max()) < len(classes):
        findings.add(
            f"The model's labels are {int(objects.labels.min())} to {int(objects.labels.max())}, the data set has "
            f"{len(classes)} classes: set num_classes in its heads to those of the data set."
        )


def _check_finite(values: torch.Tensor, findings: Findings) -> None:
    if not bool(torch.isfinite(values).all()):
        findings.add(
            "The model gives numbers that are not finite for a clean picture. Is its training diverged, or mixed "
            "precision too narrow for it (try --precision fp32)?"
        )


def check_trained_classes(trained: Sequence[str], classes: Sequence[str], findings: Findings) -> None:
    """Compare the classes that a checkpoint names with those of the data set.

    Args:
        trained: Names in the checkpoint; empty where it has none.
        classes: Names in the data set.
        findings: Takes in what is wrong; other names of as many classes are noted.
    """
    if not trained or list(trained) == list(classes):
        return
    told = (
        f"The checkpoint was trained for {shortlist(list(trained), 5)}; the data set has {shortlist(list(classes), 5)}"
    )
    if len(trained) != len(classes) or sorted(trained) == sorted(classes):
        findings.add(
            f"{told}: expected the same {len(trained)} classes in the same order. If the labels are numbered as the "
            "checkpoint's classes are, set metainfo=dict(classes=...) in the dataset to those."
        )
    else:
        findings.notes.append(f"{told}. The names differ: are they the same classes in the same order?")
