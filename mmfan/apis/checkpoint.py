"""Checkpoints of training runs, read without running code from them and compared with a model.

How files are read, and what may be in them, is in :mod:`mmfan.models.weight_files`; here is what the parts of
mmengine's checkpoints mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mmfan.datasets.augmentations.overlaps import Overlap, joined, overlap_from
from mmfan.models.backbones.dense_backbone import is_pretrained
from mmfan.models.safe_load import CheckpointError, compare_states, misfit, safe_load
from mmfan.models.weight_files.checks import problems_of, refuse
from mmfan.models.weight_files.sources import is_remote, local_file
from mmfan.utils.text import shortlist

# mmfan.TeacherWrapper saves, beside the model: how many steps its teacher has followed, and the teacher's weights
TAUGHT, TEACHER = "taught", "teacher."


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint into memory; its tensors are on the CPU.

    Args:
        path: A file written by mmengine or a plain dictionary of tensors; its http(s) URL; or a name with one of
            mmengine's prefixes (``torchvision://``, ``open-mmlab://``, ``mmcls://``).

    Returns:
        What is in the file; the weights are ``file.get('state_dict', file)``.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is truncated, is no checkpoint, or holds objects other than weights and numbers; or it could
            not be downloaded.
    """
    source = local_file(path)
    try:
        content = safe_load(source, path)
    except CheckpointError as error:
        if not is_remote(path):
            raise
        raise CheckpointError(f"{error} It lies at {source}; without that file it is downloaded anew.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"Expected {path} to hold a dictionary of weights, got a {type(content).__name__}.")
    return content


def state_of(content: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights in what :func:`read_checkpoint` returned, without DDP's ``module.`` prefix."""
    return {key: value for key, value in _named(content).items() if isinstance(value, torch.Tensor)}


def _named(content: Mapping[str, Any]) -> dict[str, Any]:
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping):
        raise CheckpointError(f"Expected a dictionary of weights under `state_dict`, got a {type(state).__name__}.")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def without_teacher(content: dict[str, Any], model: Mapping[str, torch.Tensor], anew: bool = False) -> dict[str, Any]:
    """A checkpoint less the weights of the teacher that :class:`mmfan.TeacherWrapper` saves beside the model's own.

    They serve to continue the training alone, so that whoever tests the plain model need not hear of them. A training
    of its own that begins with the model's weights begins with a teacher of its own, their copy: one of other classes
    would keep its first, random head, as one that has followed for long hardly moves.

    Args:
        content: What :func:`read_checkpoint` returned; its weights are changed in place.
        model: The model's ``state_dict()``; where it has a teacher itself, nothing is left out.
        anew: A training begins with the weights: the teacher is left out in any case.

    Returns:
        ``content``.
    """
    if (anew or TAUGHT not in model) and isinstance(state := content.get("state_dict"), dict) and TAUGHT in state:
        for name in [name for name in state if name == TAUGHT or name.startswith(TEACHER)]:
            del state[name]
    return content


def check_fit(model: Mapping[str, torch.Tensor], content: Mapping[str, Any], path: str | Path) -> list[str]:
    """Check that a checkpoint gives every weight of a model, as finite numbers in plain arrays.

    Args:
        model: The model's ``state_dict()``.
        content: What :func:`read_checkpoint` returned.
        path: The file, for the message.

    Returns:
        Names in the file that the model has no use for.

    Raises:
        CheckpointError: Weights are missing, have another shape or kind of type, or cannot be used; they are named.
    """
    refuse(problems_of(_named(content), model), path)
    missing, unused, misshapen = compare_states(model, state_of(content))
    if missing or misshapen:
        raise CheckpointError(
            f"{path} does not fit this config's model ({misfit(missing, unused, misshapen)}). "
            f"{_what_it_is(model, content)}Was it trained with another config?"
        )
    return unused


def check_some_fit(model: Mapping[str, torch.Tensor], content: Mapping[str, Any], path: str | Path) -> None:
    """Check that a checkpoint gives a model anything at all, and that what it gives can be copied.

    For training from other weights, where a head for other classes is usual: such layers keep their own values.

    Raises:
        CheckpointError: No name and shape is one of the model's, or some weights cannot be used.
    """
    named = _named(content)
    refuse(problems_of(named, model), path)
    if not any(key in model and value.shape == model[key].shape for key, value in state_of(content).items()):
        raise CheckpointError(
            f"{path} holds no weight of this config's model. {_what_it_is(model, content)}Its first are: "
            f"{shortlist(list(named), 4) or 'none'}."
        )


def _parts(state: Mapping[str, torch.Tensor]) -> list[str]:
    return sorted({key.partition(".")[0] for key in state})


def _what_it_is(model: Mapping[str, torch.Tensor], content: Mapping[str, Any]) -> str:
    """What tells a checkpoint from the model it does not fit: other parts (a detector's), other classes."""
    text, own, found = "", _parts(model), _parts(state_of(content))
    if own != found:
        text = f"The file holds {', '.join(found)}; the model is made of {', '.join(own)}. "
    classes = trained_classes(content)
    if classes:
        text += f"It was trained for {len(classes)} classes: {shortlist(classes, 8)}. "
    return text


def trained_classes(content: Mapping[str, Any]) -> list[str]:
    """The class names that mmengine saved with a checkpoint; empty if there are none."""
    classes = dataset_meta(content).get("classes")
    return list(classes) if isinstance(classes, (list, tuple)) else []


def dataset_meta(content: Mapping[str, Any]) -> dict[str, Any]:
    """What mmengine saved of the data with a checkpoint: ``classes``, ``palette``, ...; empty if there is nothing."""
    meta = content.get("meta")
    saved = meta.get("dataset_meta") if isinstance(meta, Mapping) else None
    return dict(saved) if isinstance(saved, Mapping) else {}


def overlap_of_weights(model: Any) -> Overlap | None:
    """What the trainings of the weights showed that parts of a model begin with, ``init_cfg=dict(type="Pretrained")``.

    Args:
        model: Config of a model.

    Returns:
        All of it together; None where no file on this machine tells it.
    """
    told: Overlap | None = None
    for path in _pretrained(model):
        one = None if is_remote(path) else overlap_from(read_checkpoint(path).get("meta"))
        told = joined(told, one) if told and one else told or one
    return told


def _pretrained(part: Any) -> Iterator[str]:
    """The files of weights in a config."""
    if isinstance(part, Mapping):
        if is_pretrained(part) and isinstance(part.get("checkpoint"), str):
            yield part["checkpoint"]
        for inner in part.values():
            yield from _pretrained(inner)
    elif isinstance(part, (list, tuple)):
        for inner in part:
            yield from _pretrained(inner)


def check_classes(content: Mapping[str, Any], tested: Sequence[str], path: str | Path) -> None:
    """Check that a detector is tested on the classes it was trained for, in their order.

    Detection sets are read by the names of categories, so a set with others, or in another order, gives numbers that
    mean nothing although every weight fits.

    Args:
        content: What :func:`read_checkpoint` returned; without class names in it nothing is checked.
        tested: Class names of the set to test on.
        path: The file, for the message.

    Raises:
        CheckpointError: With both lists.
    """
    trained = trained_classes(content)
    if trained and trained != list(tested):
        raise CheckpointError(
            f"{path} was trained for {len(trained)} classes ({shortlist(trained, 8)}), the dataset of this config has "
            f"{len(tested)} ({shortlist(tested, 8)}), and they must be the same in the same order. Set the dataset's "
            "metainfo=dict(classes=...) to those of the checkpoint."
        )
