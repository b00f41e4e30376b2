"""Class scores of a model within its own loss, and the same scores from the features of other pictures.

While a model computes its loss on a batch, :func:`watched` notes the class logits of its heads. Each can then be had
again from other features, of changed copies of the pictures or of another model: at the same pixels, the same anchors
or the same regions, so that they can be compared place by place. Segmentors: the logits of the decode head, before they
are enlarged. Detectors: those of a dense head (region proposals, one-stage detectors) and those of every region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmfan.errors import ConfigError

Features = Sequence[Tensor]


@dataclass
class Scored:
    """Class logits that a head gave.

    Attributes:
        kind: ``'pixels'``, ``'rpn'``, ``'dense'`` or ``'roi'``.
        exclusive: The classes exclude each other, and are the second axis; otherwise each has a logit of its own.
        own: Rows (numbers of pictures) -> their logits.
        again: Model, features of as many pictures, rows -> the logits of those, place by place as ``own`` has them.
        valid: Rows -> which places count; None for all.
    """

    kind: str
    exclusive: bool
    own: Callable[[Sequence[int]], Tensor]
    again: Callable[[nn.Module, Features, Sequence[int]], Tensor]
    valid: Callable[[Sequence[int]], Tensor | None] = field(default=lambda rows: None)


@contextmanager
def watched(model: nn.Module, data_samples: Sequence[Any]) -> Iterator[list[Scored]]:
    """Note the class logits of the heads of a model while it computes its loss.

    Args:
        model: A segmentor of mmsegmentation with a decode head, or a detector of mmdetection with a dense head or
            regions.
        data_samples: Those of the batch.

    Raises:
        ConfigError: The model has no head whose scores could be compared.
    """
    scored: list[Scored] = []
    handles: list[Any] = []
    heads = set(dict(model.named_children()))
    if "decode_head" in heads:
        handles.append(_watch_pixels(model, data_samples, scored))
    for name, kind in (("rpn_head", "rpn"), ("bbox_head", "dense")):
        if name in heads:
            handles.append(_watch_dense(model, name, kind, scored))
    if "roi_head" in heads:
        handles += _watch_regions(model, scored)
    if not handles:
        raise ConfigError(f"{type(model).__name__} has no head whose class scores could be compared.")
    try:
        yield scored
    finally:
        for handle in handles:
            handle.remove()


class _Noted:
    """Calls a function after each forward pass of a head; a hook misses those by ``head.forward``, as mmseg has it."""

    def __init__(self, head: nn.Module, note: Callable[[nn.Module, Any, Any], None]) -> None:
        self.head, own = head, head.forward

        def forward(*inputs: Any, **more: Any) -> Any:
            output = own(*inputs, **more)
            note(head, inputs, output)
            return output

        head.forward = forward

    def remove(self) -> None:
        """Leave the head as it was."""
        del self.head.forward


def _watch_pixels(model: nn.Module, data_samples: Sequence[Any], scored: list[Scored]) -> Any:
    head = model.get_submodule("decode_head")
    name = "decode_head"
    if isinstance(head, nn.ModuleList):  # of a cascade the last one decides
        raise ConfigError("A cascade of decode heads is not compared: each takes the output of the one before it.")

    def again(other: nn.Module, features: Features, rows: Sequence[int]) -> Tensor:
        return other.get_submodule(name)(features)

    def note(module: nn.Module, inputs: Any, logits: Any) -> None:
        if not isinstance(logits, Tensor) or logits.ndim != 4:
            raise ConfigError(f"{type(module).__name__} gives no logits of pixels (B, C, H, W) that could be compared.")
        ignored = getattr(module, "ignore_index", 255)

        def valid(rows: Sequence[int]) -> Tensor:
            labels = torch.stack([data_samples[row].gt_sem_seg.data for row in rows]).float()
            labels = functional.interpolate(labels, size=logits.shape[2:], mode="nearest")[:, 0]
            return labels != ignored

        classes = logits.shape[1]

        def valid_each(rows: Sequence[int]) -> Tensor:
            return valid(rows)[:, None].expand(-1, classes, -1, -1)

        if classes > 1 and getattr(getattr(module, "loss_decode", None), "use_sigmoid", False):
            scored.append(Scored("pixels", False, lambda rows: logits[list(rows)], again, valid_each))
        elif classes > 1:
            scored.append(Scored("pixels", True, lambda rows: logits[list(rows)], again, valid))
        else:  # one logit: there or not
            scored.append(
                Scored("pixels", False, lambda rows: logits[list(rows), 0], lambda *more: again(*more)[:, 0], valid)
            )

    return _Noted(head, note)


def _watch_dense(model: nn.Module, name: str, kind: str, scored: list[Scored]) -> Any:
    head: Any = model.get_submodule(name)
    exclusive = not getattr(head, "use_sigmoid_cls", True)
    classes = int(getattr(head, "cls_out_channels", 1))

    def levels(output: Any) -> Sequence[Tensor]:
        scores = output[0] if isinstance(output, (tuple, list)) and output else None
        if not isinstance(scores, (tuple, list)) or not all(
            isinstance(level, Tensor) and level.ndim == 4 for level in scores
        ):
            raise ConfigError(
                f"{type(head).__name__} gives no class scores of places, a list of (B, C, H, W), to compare."
            )
        return scores

    def flat(scores: Sequence[Tensor]) -> Tensor:
        if not exclusive:
            return torch.cat([level.flatten() for level in scores])
        return torch.cat([level.unflatten(1, (-1, classes)).movedim(2, -1).reshape(-1, classes) for level in scores])

    def again(other: nn.Module, features: Features, rows: Sequence[int]) -> Tensor:
        return flat(levels(other.get_submodule(name)(features)))

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        kept = levels(output)
        scored.append(Scored(kind, exclusive, lambda rows: flat([level[list(rows)] for level in kept]), again))

    return _Noted(head, note)


def _watch_regions(model: nn.Module, scored: list[Scored]) -> list[Any]:
    """Class scores of regions; those of a cascade at each of its stages."""
    roi_head: Any = model.get_submodule("roi_head")
    extractors = _numbered(roi_head, "bbox_roi_extractor")
    heads = _numbered(roi_head, "bbox_head")
    if not heads or len(extractors) != len(heads):
        raise ConfigError(f"{type(roi_head).__name__} has no heads of regions that could be compared.")
    more = [name for name in ("semantic", "glbctx") if getattr(roi_head, f"with_{name}", False)]
    if more:
        raise ConfigError(
            f"{type(roi_head).__name__} adds features of the whole picture to those of regions ({', '.join(more)}): "
            "its scores cannot be had again from the features of another picture, and so not be compared."
        )
    regions: dict[str, Tensor] = {}
    handles = []
    for (place, extractor), (name, head) in zip(extractors, heads, strict=True):

        def remember(module: nn.Module, inputs: Any, place: str = place) -> None:
            regions[place] = inputs[1].detach()

        def note(module: Any, inputs: Any, output: Any, place: str = place, name: str = name) -> None:
            if len(inputs) != 1:  # those of Sparse R-CNN take their queries as well
                raise ConfigError(
                    f"{type(module).__name__} takes more than the features of regions: its scores cannot be had again "
                    "from those of another picture, and so not be compared."
                )
            scored.append(
                _of_regions(
                    output[0], regions[place], place, name, bool(getattr(module.loss_cls, "use_sigmoid", False))
                )
            )

        handles += [extractor.register_forward_pre_hook(remember), _Noted(head, note)]
    return handles


def _numbered(roi_head: nn.Module, name: str) -> list[tuple[str, Any]]:
    part: Any = getattr(roi_head, name, None)
    if isinstance(part, nn.ModuleList):
        return [(f"roi_head.{name}.{number}", one) for number, one in enumerate(part)]
    return [] if part is None else [(f"roi_head.{name}", part)]


def _of_regions(logits: Tensor, regions: Tensor, place: str, name: str, sigmoid: bool) -> Scored:
    """Scores of regions ``(n, 5)``, whose first column is the number of their picture."""

    def chosen(rows: Sequence[int]) -> list[Tensor]:
        return [torch.nonzero(regions[:, 0] == row)[:, 0] for row in rows]

    def own(rows: Sequence[int]) -> Tensor:
        return logits[torch.cat(chosen(rows))]

    def again(other: nn.Module, features: Features, rows: Sequence[int]) -> Tensor:
        moved = []
        for number, members in enumerate(chosen(rows)):
            copied = regions[members].clone()
            copied[:, 0] = number
            moved.append(copied)
        extractor: Any = other.get_submodule(place)
        parts = extractor(tuple(features)[: extractor.num_inputs], torch.cat(moved))
        roi_head: Any = other.get_submodule("roi_head")
        if getattr(roi_head, "with_shared_head", False):
            parts = roi_head.shared_head(parts)
        result: Tensor = other.get_submodule(name)(parts)[0]
        return result

    return Scored("roi", not sigmoid, own, again)
