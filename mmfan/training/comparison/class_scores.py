"""Class scores of a model within its own loss, and the same scores from the features of other pictures.

While a model computes its loss on a batch, :func:`watched` notes the class logits of its heads. The features of changed
copies of the pictures can go along: each head then takes them with the pictures', as one batch, and gives the loss what
is of the pictures. And every score can be had again from the features of another model. All are of the same pixels, the
same anchors or the same regions, so that they can be compared place by place. Segmentors: the logits of the decode
head, before they are enlarged. Detectors: those of a dense head (region proposals, one-stage detectors) and those of
every region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmfan.errors import ConfigError
from mmfan.training.comparison.class_logits import check_logits

Features = Sequence[Tensor]


@dataclass
class Scored:
    """Class logits that a head gave.

    Attributes:
        kind: ``'pixels'``, ``'rpn'``, ``'dense'`` or ``'roi'``.
        exclusive: The classes exclude each other, and are the second axis; otherwise each has a logit of its own.
        own: Rows (numbers of pictures) -> their logits.
        copies: The logits of each copy of the pictures that have copies, place by place as ``own`` has theirs.
        again: Model, features of as many pictures, rows -> the logits of those, place by place as ``own`` has them.
        valid: Rows -> which places count; None for all.
    """

    kind: str
    exclusive: bool
    own: Callable[[Sequence[int]], Tensor]
    copies: tuple[Tensor, ...]
    again: Callable[[nn.Module, Features, Sequence[int]], Tensor]
    valid: Callable[[Sequence[int]], Tensor | None] = field(default=lambda rows: None)


class Along(NamedTuple):
    """What goes through the heads along with the pictures.

    Attributes:
        features: Of all first copies, then of all second ones; levels ``(rows * each, C, H, W)``.
        rows: Numbers of the pictures that have copies.
        each: Copies of each.
    """

    features: Features
    rows: tuple[int, ...]
    each: int


@contextmanager
def watched(model: nn.Module, data_samples: Sequence[Any], along: Along | None = None) -> Iterator[list[Scored]]:
    """Note the class logits of the heads of a model while it computes its loss.

    A head makes one pass in any case, over pictures and copies. Layers that normalise over the batch see both, as where
    AugMix was introduced; a lone copy is not a batch of its own; and the processes of a training, of which one may have
    no copies, make the same number of passes.

    Args:
        model: A segmentor of mmsegmentation with a decode head, or a detector of mmdetection with a dense head or
            regions.
        data_samples: Those of the batch.
        along: Features of copies.

    Raises:
        ConfigError: A head's scores cannot be compared, or it made no pass.
    """
    scored: list[Scored] = []
    handles = _watch(model, data_samples, scored, along)
    try:
        yield scored
    finally:
        for handle in handles:
            handle.remove()
    silent = [type(one.head).__name__ for one in handles if isinstance(one, _Noted) and not one.passes]
    if silent:
        raise ConfigError(
            f"Expected each head of {type(model).__name__} to make a pass within its loss, to compare class scores, "
            f"got none of {', '.join(silent)}: the loss takes another way than `forward`. Train it as a plain model."
        )


def check_comparable(model: nn.Module, whose: str, of: str) -> None:
    """Check, before a model is trained, that the class scores of its heads can be compared, as far as it shows.

    Args:
        model: A segmentor or detector.
        whose: Who compares them.
        of: Type of the model.

    Raises:
        ConfigError: They cannot.
    """
    missing = [name for name in ("extract_feat", "loss") if not callable(getattr(model, name, None))]
    if missing or any(kind.__name__ == "DetectionTransformer" for kind in type(model).__mro__):
        why = f"it has no {' and no '.join(missing)}" if missing else "its queries are not at the same places"
        raise ConfigError(f"{whose} cannot train {of}: {why}{'' if missing else ' of two pictures'}.")
    for handle in _watch(model, (), [], None):
        handle.remove()


def _watch(model: nn.Module, data_samples: Sequence[Any], scored: list[Scored], along: Along | None) -> list[Any]:
    """Begin to note the scores of all heads; what is returned is to be removed."""
    handles: list[Any] = []
    heads = set(dict(model.named_children()))
    if "decode_head" in heads:
        handles.append(_watch_pixels(model, data_samples, scored, along))
    for name, kind in (("rpn_head", "rpn"), ("bbox_head", "dense")):
        if name in heads:
            handles.append(_watch_dense(model, name, kind, scored, along))
    if "roi_head" in heads:
        handles += _watch_regions(model, scored, along)
    if not handles:
        raise ConfigError(f"{type(model).__name__} has no head whose class scores could be compared.")
    return handles


class _Noted:
    """Calls a function after each forward pass of a head; a hook misses those by ``head.forward``, as mmseg has it.

    Passes without gradients within a loss that has them are a sampler's, which looks for hard regions (OHEM): no terms
    of the loss, and of regions by other numbers. They stay as they are.

    Attributes:
        passes: How many were noted.

    Args:
        head: Its first argument is features: levels, or one map or vector a region.
        note: Receives the head, its inputs, its output for them, and that for what went along, None without.
        beside: Inputs of the head -> what goes along in the same pass, in the form of the first one; None for nothing.
    """

    def __init__(
        self,
        head: nn.Module,
        note: Callable[[nn.Module, Any, Any, Any], None],
        beside: Callable[[Any], Any] = lambda inputs: None,
    ) -> None:
        self.head, own, self.passes = head, head.forward, 0
        learns = torch.is_grad_enabled()

        def forward(*inputs: Any, **more: Any) -> Any:
            if learns and not torch.is_grad_enabled():
                return own(*inputs, **more)
            self.passes += 1
            extra = beside(inputs)
            if extra is None:
                output = own(*inputs, **more)
                note(head, inputs, output, None)
                return output
            first = inputs[0]
            single = isinstance(first, Tensor)
            count = len(first) if single else len(first[0])
            joined = torch.cat([first, extra]) if single else tuple(map(torch.cat, zip(first, extra, strict=True)))
            whole = own(joined, *inputs[1:], **more)
            total = len(joined) if single else len(joined[0])
            name = type(head).__name__
            output = _part(name, whole, slice(0, count), total)
            note(head, inputs, output, _part(name, whole, slice(count, total), total))
            return output

        head.forward = forward

    def remove(self) -> None:
        """Leave the head as it was."""
        del self.head.forward


def _part(head: str, output: Any, part: slice, total: int) -> Any:
    """What a head gave for a part of its batch; the form stays.

    Raises:
        ConfigError: Something in it is not a batch of that many.
    """
    if isinstance(output, Tensor) and output.ndim and len(output) == total:
        return output[part]
    if isinstance(output, (tuple, list)):
        return type(output)(_part(head, one, part, total) for one in output)
    if output is None:
        return None
    told = f"a tensor {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
    raise ConfigError(f"Expected {head} to give batches of {total}, to part pictures from their copies, got {told}.")


def _watch_pixels(model: nn.Module, data_samples: Sequence[Any], scored: list[Scored], along: Along | None) -> Any:
    head = model.get_submodule("decode_head")
    name = "decode_head"
    if isinstance(head, nn.ModuleList):  # of a cascade the last one decides
        raise ConfigError("A cascade of decode heads is not compared: each takes the output of the one before it.")

    def again(other: nn.Module, features: Features, rows: Sequence[int]) -> Tensor:
        return other.get_submodule(name)(features)

    def note(module: nn.Module, inputs: Any, logits: Any, beside: Any) -> None:
        if not isinstance(logits, Tensor) or logits.ndim != 4:
            raise ConfigError(f"{type(module).__name__} gives no logits of pixels (B, C, H, W) that could be compared.")
        ignored = getattr(module, "ignore_index", 255)

        def valid(rows: Sequence[int]) -> Tensor:
            labels = torch.stack([data_samples[row].gt_sem_seg.data for row in rows]).float()
            labels = functional.interpolate(labels, size=logits.shape[2:], mode="nearest")[:, 0]
            return labels != ignored

        classes = logits.shape[1]
        copies = _each(beside, along)

        def valid_each(rows: Sequence[int]) -> Tensor:
            return valid(rows)[:, None].expand(-1, classes, -1, -1)

        if classes > 1 and _sigmoids(module):
            scored.append(Scored("pixels", False, lambda rows: logits[list(rows)], copies, again, valid_each))
        elif classes > 1:
            scored.append(Scored("pixels", True, lambda rows: logits[list(rows)], copies, again, valid))
        else:  # one logit: there or not
            scored.append(
                Scored(
                    "pixels",
                    False,
                    lambda rows: logits[list(rows), 0],
                    tuple(one[:, 0] for one in copies),
                    lambda *more: again(*more)[:, 0],
                    valid,
                )
            )

    return _Noted(head, note, lambda inputs: along and along.features)


def _sigmoids(head: nn.Module) -> bool:
    """Whether each class has a sigmoid of its own: for every loss, as one softmax among them makes classes exclusive.

    Predictions are made by the softmax then, as mmsegmentation makes them.
    """
    losses: Any = getattr(head, "loss_decode", None)
    every = losses if isinstance(losses, nn.ModuleList) else [losses]
    return all(getattr(loss, "use_sigmoid", False) for loss in every)


def _each(beside: Tensor | None, along: Along | None) -> tuple[Tensor, ...]:
    """What went along, copy by copy."""
    return () if beside is None or along is None else beside.chunk(along.each)


def _watch_dense(model: nn.Module, name: str, kind: str, scored: list[Scored], along: Along | None) -> Any:
    head: Any = model.get_submodule(name)
    check_logits(head)
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

    def note(module: nn.Module, inputs: Any, output: Any, beside: Any) -> None:
        kept = levels(output)
        chunks = [] if beside is None else [_each(level, along) for level in levels(beside)]
        copies = tuple(flat(view) for view in zip(*chunks, strict=True))
        scored.append(Scored(kind, exclusive, lambda rows: flat([level[list(rows)] for level in kept]), copies, again))

    return _Noted(head, note, lambda inputs: along and along.features)


def _watch_regions(model: nn.Module, scored: list[Scored], along: Along | None) -> list[Any]:
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
        check_logits(head)

        def remember(module: nn.Module, inputs: Any, place: str = place) -> None:
            regions[place] = inputs[1].detach()

        def beside(inputs: Any, place: str = place) -> Any:
            if along is None or len(inputs) != 1:
                return None
            own = regions[place]
            parts = _parts_of_regions(model, along.features, moved(own, along.rows * along.each), place)
            regions[place] = own  # the extractor was called once more, and its hook noted the moved ones
            return parts

        def note(module: Any, inputs: Any, output: Any, other: Any, place: str = place, name: str = name) -> None:
            if len(inputs) != 1:  # those of Sparse R-CNN take their queries as well
                raise ConfigError(
                    f"{type(module).__name__} takes more than the features of regions: its scores cannot be had again "
                    "from those of another picture, and so not be compared."
                )
            copies = () if other is None else _each(other[0], along)
            sigmoid = bool(getattr(module.loss_cls, "use_sigmoid", False))
            scored.append(_of_regions(output[0], copies, regions[place], place, name, sigmoid))

        handles += [extractor.register_forward_pre_hook(remember), _Noted(head, note, beside)]
    return handles


def _numbered(roi_head: nn.Module, name: str) -> list[tuple[str, Any]]:
    part: Any = getattr(roi_head, name, None)
    if isinstance(part, nn.ModuleList):
        return [(f"roi_head.{name}.{number}", one) for number, one in enumerate(part)]
    return [] if part is None else [(f"roi_head.{name}", part)]


def _members(regions: Tensor, rows: Sequence[int]) -> list[Tensor]:
    """Which regions ``(n, 5)``, whose first column is the number of their picture, are of each of some pictures."""
    return [torch.nonzero(regions[:, 0] == row)[:, 0] for row in rows]


def moved(regions: Tensor, rows: Sequence[int]) -> Tensor:
    """The regions of some pictures as those of a batch that has only these.

    >>> moved(torch.tensor([[0, 1, 1, 2, 2], [2, 3, 3, 4, 4], [2, 5, 5, 6, 6]]), (2, 0, 2))[:, :2].tolist()
    [[0, 3], [0, 5], [1, 1], [2, 3], [2, 5]]
    """
    parts = []
    for number, members in enumerate(_members(regions, rows)):
        copied = regions[members].clone()
        copied[:, 0] = number
        parts.append(copied)
    return torch.cat(parts)


def _parts_of_regions(model: nn.Module, features: Features, regions: Tensor, place: str) -> Tensor:
    """What the head of regions takes: their features, by the extractor of a name."""
    extractor: Any = model.get_submodule(place)
    parts: Tensor = extractor(tuple(features)[: extractor.num_inputs], regions)
    roi_head: Any = model.get_submodule("roi_head")
    return roi_head.shared_head(parts) if getattr(roi_head, "with_shared_head", False) else parts


def _of_regions(
    logits: Tensor, copies: tuple[Tensor, ...], regions: Tensor, place: str, name: str, sigmoid: bool
) -> Scored:
    """Scores of regions ``(n, 5)``, whose first column is the number of their picture."""

    def own(rows: Sequence[int]) -> Tensor:
        return logits[torch.cat(_members(regions, rows))]

    def again(other: nn.Module, features: Features, rows: Sequence[int]) -> Tensor:
        result: Tensor = other.get_submodule(name)(_parts_of_regions(other, features, moved(regions, rows), place))[0]
        return result

    return Scored("roi", not sigmoid, own, copies, again)
