"""Modules of torch as models that are judged: segmentors of any make, and detectors of torchvision's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer, answer_by_size
from mmfan.adapters.classes import ClassFit, Names
from mmfan.adapters.placed_module import PlacedModule
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import PictureBatch
from mmfan.evaluation.function.sources.sources import Data
from mmfan.visualization.coco_results import Detections

if TYPE_CHECKING:
    import torch

OUTPUTS = ("out", "logits")  # where torchvision and Hugging Face keep the scores


class PicturesModule(PlacedModule):
    """A module, and what it expects of a picture."""

    def __init__(self, module: Any, preprocessing: Preprocessing | None, *placed: Any) -> None:
        import torch

        super().__init__(module, *placed)
        self.preprocessing = preprocessing or Preprocessing()
        mean, std = self.preprocessing.constants()
        self._mean, self._std = (torch.from_numpy(one).to(self.device)[:, None, None] for one in (mean, std))

    def tensor(self, rgb: Picture) -> torch.Tensor:
        """A picture as the module gets it: (3, H', W') in its precision, normalised in float32 on its device."""
        import torch
        from torch.nn import functional as F

        pixels = np.ascontiguousarray(self.preprocessing.resized(rgb))
        values = torch.from_numpy(pixels).to(self.device).permute(2, 0, 1).float()
        if self.preprocessing.white == 1:
            values = values / 255
        values = (values - self._mean) / self._std
        if self.preprocessing.bgr:
            values = values.flip(0)
        below, right = self.preprocessing.padding(pixels.shape[:2])
        return F.pad(values, (0, right, 0, below)).to(self.dtype).contiguous()

    def pixels(self, pictures: Sequence[Picture]) -> torch.Tensor:
        """Pictures of one size as (N, 3, H, W) float32, RGB in 0..1, on the module's device."""
        import torch

        stacked = torch.from_numpy(np.stack([np.ascontiguousarray(rgb) for rgb in pictures]))
        return stacked.to(self.device).permute(0, 3, 1, 2).float() / 255

    def differentiably(self, pixels: torch.Tensor) -> Any:
        """What the module returns for such pixels; gradients are the caller's to turn on or off."""
        from torch.nn import functional as F

        values = (pixels * 255) / (255 if self.preprocessing.white == 1 else 1)
        values = (values - self._mean) / self._std
        if self.preprocessing.bgr:
            values = values.flip(1)
        below, right = self.preprocessing.padding(tuple(pixels.shape[2:]))
        return self.module(F.pad(values, (0, right, 0, below)).to(self.dtype).contiguous())

    def padded_size(self, size: Sequence[int]) -> tuple[int, int]:
        """The size, (H, W), that a picture has with its padding."""
        below, right = self.preprocessing.padding(tuple(size))
        return size[0] + below, size[1] + right


class TorchSegmentor:
    """A plain ``torch.nn.Module`` that maps (N, 3, H, W) to scores or class numbers, as ``predict`` of ``judge``.

    The module may return scores (N, C, h, w), floats, in any size, or class numbers (N, h, w), integers; or a dict
    with them as ``out`` (torchvision) or an object with them as ``logits`` (Hugging Face). Scores are brought to the
    picture's size bilinearly before the highest is taken, class numbers to their nearest.

    Args:
        module: The module. It is set to evaluation.
        data: What it is judged on, or the names of its classes.
        preprocessing: What the module expects of a picture.
        classes: Names of the module's classes, where they are others than the data's, or in another order.
        rename: See :class:`ClassFit`.
        output: The scores or class numbers in what the module returns: a key, or a function of it.
        device: Where to move the module; by default it stays where it is.
        dtype: The precision to turn the module to, such as ``torch.float16``; by default it is left.
        autocast: The precision of automatic mixed precision, such as ``torch.bfloat16``; None for none.

    Raises:
        MMFanError: The classes do not fit; called, the module returned something else.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        data: Data | Sequence[str],
        preprocessing: Preprocessing | None = None,
        *,
        classes: Names | None = None,
        rename: Mapping[str, str] | None = None,
        output: str | Callable[[Any], Any] | None = None,
        device: Any = None,
        dtype: Any = None,
        autocast: Any = None,
    ) -> None:
        self.fit, self.output = ClassFit(data, classes, rename), output
        self._module = PicturesModule(module, preprocessing, device, dtype, autocast)

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The label map, (H, W) integers, of a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._label_maps)

    @property
    def module(self) -> torch.nn.Module:
        """The module, for a condition that works on it."""
        return self._module.module

    def predict_under(
        self, forward: Callable[..., Any], pictures: Sequence[Picture], truths: Sequence[Any], names: Sequence[str]
    ) -> list[NDArray[np.integer]]:
        """The label maps while a condition is at work, whose ``forward`` takes a step and a batch.

        Args:
            forward: See :class:`mmfan.evaluation.conditions.work.Work`.
            pictures: (H, W, 3) RGB, uint8; those of one size are a batch.
            truths: As many label maps, or None.
            names: Their names.

        Raises:
            MMFanError: The module expects pictures of another size.
        """
        import torch

        if self._module.preprocessing.size is not None:
            raise MMFanError("A condition works on pictures of their own size: leave `size` of the preprocessing out.")

        def predict(places: list[int]) -> list[NDArray[np.integer]]:
            own = [pictures[at] for at in places]
            batch = PictureBatch(
                self._module.pixels(own),
                [self.fit.own_labels(truths[at]) for at in places if truths[at] is not None],
                [names[at] for at in places],
                self._module.padded_size(own[0].shape[:2]),
                self._module.padded_size,
            )
            with torch.no_grad(), self._module.at_work():  # a condition that needs gradients turns them on
                found = forward(lambda one: taken(self._module.differentiably(one.pixels), self.output), batch)
            return self._labels_of(found.detach(), own, self._module.padded_size(own[0].shape[:2]))

        return answer_by_size(pictures, predict)

    def _label_maps(self, pictures: list[Picture]) -> list[NDArray[np.integer]]:
        import torch

        batch = torch.stack([self._module.tensor(rgb) for rgb in pictures])
        found = taken(self._module.call(batch), self.output)
        return self._labels_of(found, pictures, batch.shape[2:])

    def _labels_of(
        self, found: torch.Tensor, pictures: list[Picture], padded: Sequence[int]
    ) -> list[NDArray[np.integer]]:
        resized = self._module.preprocessing.resized(pictures[0]).shape[:2]
        labels = self._at_size(found, len(pictures), padded, resized, pictures[0].shape[:2])
        return [self.fit.labels(one) for one in labels.cpu().numpy()]

    def _at_size(
        self, found: torch.Tensor, count: int, padded: Sequence[int], resized: Sequence[int], size: Sequence[int]
    ) -> torch.Tensor:
        """Class numbers, (N, H, W), in the pictures' size: by way of the input's, whose padding goes."""
        from torch.nn import functional as F

        scores = found.ndim == 4 and found.is_floating_point()
        if not scores and (found.ndim != 3 or found.is_floating_point()):
            raise MMFanError(
                "Expected the module to return scores (N, C, h, w), floats, or class numbers (N, h, w), integers, got "
                f"{found.dtype} {tuple(found.shape)}."
            )
        if len(found) != count:
            raise MMFanError(f"Expected the module to return {count} predictions, got the shape {tuple(found.shape)}.")
        if scores:
            self.fit.check_channels(found.shape[1])
        values = found.float() if scores else found[:, None].double()
        how: dict[str, Any] = {"mode": "bilinear", "align_corners": False} if scores else {"mode": "nearest-exact"}
        if tuple(padded) != tuple(resized):
            values = F.interpolate(values, tuple(padded), **how)[..., : resized[0], : resized[1]]
        if tuple(values.shape[2:]) != tuple(size):
            values = F.interpolate(values, tuple(size), **how)
        if not scores:
            return values[:, 0].long()
        highest, labels = values.max(1)
        if not bool(highest.isfinite().all()):  # a class may be ruled out by minus infinity, not all of them
            raise MMFanError("The module returned scores that are not finite (NaN or infinite).")
        return labels


def taken(found: Any, output: str | Callable[[Any], Any] | None) -> torch.Tensor:
    """The tensor in what a module returned."""
    import torch

    if callable(output):
        taken = output(found)
    elif isinstance(found, torch.Tensor) and output is None:
        taken = found
    else:
        keys = OUTPUTS if output is None else (output,)
        held = found if isinstance(found, Mapping) else getattr(found, "__dict__", {})
        taken = next((held[key] for key in keys if held.get(key) is not None), None)
    if not isinstance(taken, torch.Tensor):
        told = f" with {', '.join(map(str, found))}" if isinstance(found, Mapping) else ""
        raise MMFanError(
            f"Expected the module to return a tensor, or one as {' or '.join(map(repr, OUTPUTS))}, got "
            f"{type(found).__name__}{told}. Say by `output` where it is: a key, or a function of what is returned."
        )
    return taken


class TorchDetector:
    """A detector of torchvision's form, as ``predict`` of ``judge``.

    The module gets a list of (3, H, W) tensors and returns a list of as many dicts: ``boxes`` (N, 4), left, top, right,
    bottom in pixels of its input, ``scores`` (N,) from 0 to 1, ``labels`` (N,), and perhaps ``masks`` (N, 1, H, W) or
    (N, H, W), probabilities.

    Args:
        module: The module. It is set to evaluation.
        data: What it is judged on, or the names of its classes.
        preprocessing: What the module expects of a picture; torchvision's detectors normalise by themselves.
        classes: Names of the module's classes, in the order of its labels; torchvision's
            ``weights.meta["categories"]``, whose first is the background. None where its labels are places in the
            data's classes.
        rename: See :class:`ClassFit`.
        threshold: What a mask's probability must exceed.
        device: Where to move the module; by default it stays where it is.
        dtype: The precision to turn the module to; by default it is left.
        autocast: The precision of automatic mixed precision; None for none.

    Raises:
        MMFanError: The classes do not fit; called, the module returned something else.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        data: Data | Sequence[str],
        preprocessing: Preprocessing | None = None,
        *,
        classes: Names | None = None,
        rename: Mapping[str, str] | None = None,
        threshold: float = 0.5,
        device: Any = None,
        dtype: Any = None,
        autocast: Any = None,
    ) -> None:
        self.fit, self.threshold = ClassFit(data, classes, rename), threshold
        self.masks = bool(getattr(data, "masks", True))
        self._module = PicturesModule(module, preprocessing, device, dtype, autocast)
        if self._module.preprocessing.size is not None:
            raise MMFanError("Detectors resize pictures by themselves: leave `size` of the preprocessing out.")

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The objects, :class:`Detections`, in a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._objects)

    def _objects(self, pictures: list[Picture]) -> list[Detections]:
        found = self._module.call([self._module.tensor(rgb) for rgb in pictures])
        if not isinstance(found, (list, tuple)) or len(found) != len(pictures):
            raise MMFanError(
                f"Expected the module to return a list of {len(pictures)} dicts, got {type(found).__name__}."
            )
        return [self._read(one, rgb.shape[:2]) for one, rgb in zip(found, pictures, strict=True)]

    def _read(self, found: Any, size: Sequence[int]) -> Detections:
        parts = ("boxes", "scores", "labels")
        if not isinstance(found, Mapping) or any(part not in found for part in parts):
            told = ", ".join(map(str, found)) if isinstance(found, Mapping) else type(found).__name__
            raise MMFanError(f"Expected the module to return dicts with {', '.join(parts)}, got {told}.")
        boxes, scores, labels = (found[part] for part in parts)
        masks = None
        if self.masks and found.get("masks") is not None:
            held = found["masks"]
            held = held[:, 0] if held.ndim == 4 else held
            held = held[:, : size[0], : size[1]]
            masks = (held > self.threshold if held.is_floating_point() else held.bool()).cpu().numpy()
        own = Detections(
            boxes.float().cpu().numpy().reshape(-1, 4), scores.float().cpu().numpy(), labels.long().cpu().numpy(), masks
        )
        return self.fit.objects(own)
