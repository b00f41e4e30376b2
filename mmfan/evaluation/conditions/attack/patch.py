"""Works of patches: a square of each picture filled by an attack, or with noise, and scores of the pixels outside.

Each picture has a patch of its own. Its place, and the noise that it begins with, come from the picture's name: they
are the same for the attack, for noise alone, and for the clean pictures that both are held against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.attacks.ascent import Loss, attack_pictures
from mmfan.evaluation.attacks.boxes import Box, boxes_of
from mmfan.evaluation.attacks.patches import Patch
from mmfan.evaluation.attacks.pixel_losses import IGNORED
from mmfan.evaluation.attacks.settings import LEVELS, Attack
from mmfan.evaluation.conditions.attack.work import AttackWork, FunctionWork, LoopWork
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.patch_settings import NOISE, OUTSIDE, PATCH, attack_of_patch, left_out_of
from mmfan.evaluation.conditions.work import FUNCTION, NotToModelError, PictureBatch, Situation, is_a

Size = tuple[int, int]  # height, width


class PatchWork(AttackWork):
    """What the works of the two drivers share."""

    def __init__(self, condition: Condition, situation: Situation) -> None:
        super().__init__(condition, situation)
        self.condition = condition

    def begin(self, cell: Cell) -> None:
        """Take the area of the cell, and hold the model still."""
        super().begin(cell)
        self.condition = cell.condition

    def settled(self, condition: Condition) -> Attack:
        """How the patch ascends."""
        return attack_of_patch(condition)

    @property
    def told(self) -> str:
        """What is done, for a message; the reference is part of what is held against it."""
        return PATCH if self.condition.name == OUTSIDE else self.condition.name

    def attacked(self, picture: Tensor, name: str, loss: Loss) -> Tensor:
        """A picture, (3, H, W) uint8 RGB, with its patch; the clean one of the reference."""
        if self.condition.name == OUTSIDE:
            return picture
        seed = self._seed(name)
        box, _ = self._boxes((picture.shape[1], picture.shape[2]), name)

        if self.condition.name == NOISE:
            noise = Patch(picture[None].float() / LEVELS, box)
            return noise.rounded(noise.start([seed]))[0]
        return attack_pictures(loss, picture[None], self.attack, [seed], lambda clean, _: Patch(clean, box)).pictures[0]

    def left_out(self, truth: NDArray[Any] | Tensor, size: Size, name: str) -> Any:
        """A copy of a label map, (..., H, W), in which pixels that the score leaves out have the ignored number.

        Args:
            truth: The label map.
            size: Of the picture as the model gets it, which the patch is placed in.
            name: Of the picture.
        """
        _, around = self._boxes(size, name)
        rows, columns = around.scaled(size, (truth.shape[-2], truth.shape[-1])).slices
        found = truth.clone() if isinstance(truth, Tensor) else np.array(truth)
        found[..., rows, columns] = IGNORED if self.situation.ignore_index is None else self.situation.ignore_index
        return found

    def _seed(self, name: str) -> int:
        return picture_seed(self.situation.seed, name, "patch", 0)

    def _boxes(self, size: Size, name: str) -> tuple[Box, Box]:
        around, place = left_out_of(self.condition), self.condition.settings["place"]
        return boxes_of(self.condition.strength or around, around, size, place, self._seed(name))


class PatchFunctionWork(PatchWork, FunctionWork):
    """Patches for a module of torch that ``judge`` has, a segmentor."""

    def forward(self, step: Callable[[Any], Any], batch: PictureBatch) -> Any:
        """Take pictures through the module, each with its patch.

        Raises:
            NotToModelError: There are no label maps.
        """
        size = (int(batch.pixels.shape[2]), int(batch.pixels.shape[3]))
        if any(truth.shape != size for truth in batch.truth):
            raise NotToModelError(_no_pixels(self.told, "what is judged", "label maps of its pictures"))
        truth = [self.left_out(one, size, name) for one, name in zip(batch.truth, batch.names, strict=True)]
        return super().forward(step, replace(batch, truth=truth))

    def counted(self, truth: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
        """The label map without the pixels that the score leaves out."""
        found: NDArray[np.uint8] = self.left_out(truth, (truth.shape[0], truth.shape[1]), name)
        return found


class PatchLoopWork(PatchWork, LoopWork):
    """Patches for a segmentor of OpenMMLab.

    Raises:
        NotToModelError: The model is a detector.
    """

    def __init__(self, condition: Condition, situation: Situation) -> None:
        if is_a(situation.model, "BaseDetector"):
            raise NotToModelError(_no_pixels(condition.name, "a detector", "a class for each pixel"))
        super().__init__(condition, situation)

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Take a batch through the model, each picture with its patch, and label maps without what is left out.

        Raises:
            NotToModelError: There are no label maps, or the pipeline does more than to resize the picture.
        """
        samples = [self._sample(*one) for one in zip(batch["inputs"], batch["data_samples"], strict=True)]
        return super().forward(step, {**batch, "data_samples": samples})

    def _sample(self, picture: Tensor, sample: Any) -> Any:
        """A copy of a data sample whose label map leaves the box out."""
        truth = getattr(sample, "gt_sem_seg", None)
        if truth is None:
            raise NotToModelError(
                _no_pixels(self.told, "a sample without `gt_sem_seg`", "label maps (LoadAnnotations)")
            )
        size = (int(picture.shape[-2]), int(picture.shape[-1]))
        _check_frame(self.told, size, tuple(truth.data.shape[-2:]), sample.metainfo)
        found, left = sample.clone(), truth.clone()  # the copy of a sample has its label map in common with it
        left.data = self.left_out(truth.data, size, self.situation.name_of(sample))
        found.gt_sem_seg = left
        return found


def _no_pixels(told: str, got: str, needed: str) -> str:
    return (
        f"{told} cannot be done to {got}: its score is of the pixels outside of the patch, which needs {needed}. Judge "
        "a segmentor; detectors and classifiers take fgsm and pgd."
    )


def _check_frame(told: str, size: Size, of_truth: tuple[int, ...], meta: Any) -> None:
    """See that picture and label map show the same frame, so that it is known which labels a patch covers.

    Raises:
        NotToModelError: They do not.
    """
    wide, high = tuple(meta.get("scale_factor", (1.0, 1.0)))[:2]
    wanted = (of_truth[0] * high, of_truth[1] * wide)
    resized = size == of_truth or all(abs(one - other) <= 1 for one, other in zip(size, wanted, strict=True))
    if not resized or meta.get("flip"):
        raise NotToModelError(
            f"{told} needs a test pipeline that does no more to the picture's frame than to resize it, so that it is "
            f"known which labels the patch covers: the model gets {size} (rows x columns), the label map is "
            f"{of_truth}, `scale_factor` {wide:g} x {high:g}, flipped: {bool(meta.get('flip'))}. Leave "
            "padding to the model's data_preprocessor."
        )


def work_of(condition: Condition, situation: Situation) -> AttackWork:
    """The work of a patch; see :attr:`mmfan.evaluation.conditions.kinds.Kind.factory`.

    Raises:
        MMFanError: It cannot be done to this model.
    """
    return (PatchFunctionWork if situation.driver == FUNCTION else PatchLoopWork)(condition, situation)
