"""Work of an attack while a cell is judged: each picture is attacked by itself, then all are judged as ever.

Attacks see one picture at a time, so that a score is the same for any batch size and any number of processes. The
random start is drawn from the picture's name, in the order of the channels red, green, blue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.attacks.ascent import Loss, Losses, attack_pictures, frozen
from mmfan.evaluation.attacks.object_losses import detection_loss
from mmfan.evaluation.attacks.pixel_losses import IGNORED, segmentation_loss
from mmfan.evaluation.attacks.settings import LEVELS, Attack
from mmfan.evaluation.conditions.adaptation.entropy import as_logits, logs_of_shares
from mmfan.evaluation.conditions.adaptation.views import resized
from mmfan.evaluation.conditions.attack.detector_truth import DetectorTruth
from mmfan.evaluation.conditions.attack.frames import padded_part
from mmfan.evaluation.conditions.attack_settings import attack_of
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.work import NotToModelError, PictureBatch, Situation, Work, is_a

NO_CLASS = -1  # in the place of the number of pixels that do not count


class AttackWork(Work):
    """What the works of the two drivers share.

    Args:
        condition: The attack; its strength is that of the cell at hand.
        situation: What it is done in.

    Raises:
        MMFanError: The model is not of float32.
    """

    def __init__(self, condition: Condition, situation: Situation) -> None:
        super().__init__(situation)
        self.attack = self.settled(condition.of_strength(1))
        self._held = ExitStack()
        self._found: dict[str, Tensor] = {}  # of the last batch
        with frozen(situation.model):
            pass  # refuses a model of fewer bits now, not after the clean pictures

    def settled(self, condition: Condition) -> Attack:
        """The attack of a condition with a strength."""
        return attack_of(condition)

    @property
    def told(self) -> str:
        """What is done, for a message."""
        return str(self.attack)

    def begin(self, cell: Cell) -> None:
        """Take the radius of the cell, and hold the model still."""
        self.attack = self.settled(cell.condition)
        self._held.enter_context(frozen(self.situation.model))

    def end(self) -> dict[str, float]:
        """Let the model go."""
        self._held.close()
        self._found.clear()
        return {}

    def attacked(self, picture: Tensor, name: str, loss: Loss) -> Tensor:
        """A picture, (3, H, W) uint8 RGB, attacked; float32 from 0 to 1 where it is not rounded.

        Args:
            picture: The picture.
            name: Its name.
            loss: What to ascend.
        """
        seed = picture_seed(self.situation.seed, name, self.attack.name, 0)
        return attack_pictures(loss, picture[None], self.attack, [seed]).pictures[0]

    def shown(self, name: str, size: tuple[int, int]) -> NDArray[np.uint8] | None:
        """What was made of a picture of the last batch, RGB, in its height and width as it was loaded."""
        if name not in self._found:
            return None
        found = self._found[name]
        whole = found if found.dtype == torch.uint8 else (found * LEVELS).round().to(torch.uint8)
        made: NDArray[np.uint8] = np.ascontiguousarray(whole.permute(1, 2, 0).cpu().numpy())
        return made if made.shape[:2] == size else np.asarray(cv2.resize(made, size[::-1]), np.uint8)


class FunctionWork(AttackWork):
    """The attack on a module of torch that ``judge`` has, a segmentor or a classifier."""

    def forward(self, step: Callable[[Any], Any], batch: PictureBatch) -> Any:
        """Take pictures through the module, attacked.

        Raises:
            NotToModelError: There are no label maps to attack with.
        """
        if len(batch.truth) != len(batch.pixels):
            raise NotToModelError(
                f"{self.told} needs the truth of each picture: in mmfan.judge it is for segmentors and classifiers."
            )
        pictures = (batch.pixels * LEVELS).round().to(torch.uint8)
        changed = [self._one(step, batch.padded, *one) for one in zip(pictures, batch.truth, batch.names, strict=True)]
        stacked = torch.stack(changed)
        pixels = stacked.float() / LEVELS if stacked.dtype == torch.uint8 else stacked
        return step(replace(batch, pixels=pixels))

    def _one(
        self, step: Callable[[Any], Any], padded: tuple[int, int] | None, picture: Tensor, truth: Any, name: str
    ) -> Tensor:
        labels = torch.from_numpy(truth.astype("int64"))[None].to(picture.device)

        def logits_of(pixels: Tensor) -> Tensor:
            found = step(PictureBatch(pixels, [truth], [name]))
            if found.ndim != 4 or not found.is_floating_point():
                raise NotToModelError(
                    f"{self.told} needs a module that returns scores (N, C, h, w), floats, got {found.dtype} "
                    f"{tuple(found.shape)}: class numbers have no gradient."
                )
            size = tuple(labels.shape[1:])
            return as_logits(resized(resized(found.float(), padded or size)[..., : size[0], : size[1]], size))

        ignored = IGNORED if self.situation.ignore_index is None else self.situation.ignore_index
        found = self.attacked(picture, name, segmentation_loss(logits_of, labels, self.attack, ignored))
        self._found[name] = found
        if len(self._found) > self.situation.batch_size:  # a batch comes in parts, of pictures of one size
            del self._found[next(iter(self._found))]
        return found

    def given(self, of: Any, picture: Any) -> Any:
        """The picture, attacked."""
        found = self.shown(of, picture.shape[:2])
        return picture if found is None else found


class LoopWork(AttackWork):
    """The attack on a segmentor, a detector or a classifier of OpenMMLab, through its own preprocessor.

    Raises:
        MMFanError: The attack is not for detectors.
    """

    def __init__(self, condition: Condition, situation: Situation) -> None:
        super().__init__(condition, situation)
        self.truth = DetectorTruth(situation) if is_a(situation.model, "BaseDetector") else None
        if self.truth is not None:
            detection_loss(torch.sum, self.attack)  # refuses what is not for detectors

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Take a batch through the model, attacked; ``step`` is its ``test_step``."""
        self._found.clear()
        inputs, samples = batch["inputs"], batch["data_samples"]
        changed = [self._one(step, *one) for one in zip(inputs, samples, strict=True)]
        return step({**batch, "inputs": torch.stack(changed) if isinstance(inputs, Tensor) else changed})

    def _one(self, step: Callable[[Any], Any], picture: Any, sample: Any) -> Tensor:
        if not isinstance(picture, Tensor) or picture.dtype != torch.uint8:
            told = str(picture.dtype) if isinstance(picture, Tensor) else type(picture).__name__
            raise NotToModelError(
                f"{self.told} needs pictures of uint8 from the test pipeline, without test-time augmentation, got "
                f"{told}: leave normalising to the model's data_preprocessor."
            )
        loss = self._pixels(step, sample) if self.truth is None else self._objects(self.truth, picture, sample)
        device = next(self.situation.model.parameters()).device
        # pipelines give blue first; what is drawn is drawn red first
        name, whole = self.situation.name_of(sample), picture.to(device).flip(0)
        # pipelines of detectors pad pictures
        rows, columns = whole.shape[1:] if self.truth is None else padded_part(whole, sample.metainfo)

        def padded(pixels: Tensor, step: int) -> Losses:
            return loss(_put_into(whole.float()[None] / LEVELS, pixels), step)

        found = self._found[name] = self.attacked(whole[:, :rows, :columns], name, padded)
        found = _put_into(whole if found.dtype == torch.uint8 else whole.float() / LEVELS, found).flip(0)
        return found if found.dtype == torch.uint8 else found * LEVELS

    def given(self, of: Any, picture: Any) -> Any:
        """The picture, attacked."""
        found = self.shown(self.situation.name_of(of), picture.shape[:2])
        return picture if found is None else np.ascontiguousarray(found[..., ::-1])

    def _pixels(self, step: Callable[[Any], Any], sample: Any) -> Loss:
        truth, of_class = getattr(sample, "gt_sem_seg", None), getattr(sample, "gt_label", None)
        if truth is not None:
            labels = truth.data.reshape(1, *truth.data.shape[-2:])
        elif of_class is not None:
            labels = of_class.reshape(1, 1, 1)  # the class of a picture is that of its only pixel
        else:
            raise NotToModelError(
                f"{self.told} needs the truth, and the samples of the test pipeline have no `gt_sem_seg` (it needs "
                "LoadAnnotations) and no `gt_label` of a class."
            )
        device = next(self.situation.model.parameters()).device
        labels = labels.to(device)

        def logits_of(pixels: Tensor) -> Tensor:
            # a copy, for predictions are written into it
            found = step({"inputs": [pixels[0].flip(0) * LEVELS], "data_samples": [sample.clone()]})
            return _logits(found)[None]

        ignored = IGNORED if self.situation.ignore_index is None else self.situation.ignore_index
        return segmentation_loss(logits_of, labels, self.attack, NO_CLASS if truth is None else ignored)

    def _objects(self, truth: DetectorTruth, picture: Tensor, sample: Any) -> Loss:
        model, seed = self.situation.model, picture_seed(self.situation.seed, self.situation.name_of(sample), "loss", 0)
        known = truth.sample(sample)

        def loss_of(pixels: Tensor) -> Tensor:
            cuda = [pixels.device] if pixels.device.type == "cuda" else []
            given = known.clone()
            given.gt_instances = known.gt_instances.clone()  # losses may put other masks into it
            with torch.random.fork_rng(cuda), _with_queries(model):  # detectors draw which boxes they learn from
                torch.manual_seed(seed)
                batch = {"inputs": [pixels[0].flip(0) * LEVELS], "data_samples": [given]}
                ready = model.data_preprocessor(batch, False)
                if getattr(model.data_preprocessor, "pad_mask", False):  # to the size of the input, as in training
                    model.data_preprocessor.pad_gt_masks(ready["data_samples"])
                losses = model(ready["inputs"], ready["data_samples"], mode="loss")
                return model.parse_losses(losses)[0]

        return detection_loss(loss_of, self.attack)


@contextmanager
def _with_queries(model: Any) -> Iterator[None]:
    """Have a detection transformer make what its losses need: denoising queries and the like, in training alone.

    The detector itself is told that it is in training; its parts stay as they are in tests.
    """
    if not is_a(model, "DetectionTransformer"):
        yield
        return
    model.training = True
    try:
        yield
    finally:
        model.training = False


def _put_into(whole: Tensor, part: Tensor) -> Tensor:
    """A picture, (..., H, W), with another top left part; the part itself where that is all of it."""
    if part.shape == whole.shape:
        return part
    found = whole.clone()
    found[..., : part.shape[-2], : part.shape[-1]] = part
    return found


def _logits(found: Sequence[Any]) -> Tensor:
    logits, shares = getattr(found[0], "seg_logits", None), getattr(found[0], "pred_score", None)
    if logits is not None:
        return cast(Tensor, logits.data)
    if shares is not None:
        return logs_of_shares(shares)
    raise NotToModelError("An attack needs predictions with `seg_logits`, or `pred_score` of a classifier.")
