"""``AugMix``, a pipeline step: chains of simple operations, mixed with each other and with the picture.

Paper: AugMix, Hendrycks et al., ICLR 2020, arXiv 1912.02781. With weights w ~ Dirichlet(a, ..., a) and m ~ Beta(a, a)

    result = (1 - m) * picture + m * sum_i w_i * chain_i(picture)

where a chain is one to three operations drawn with equal chances, each at a level of U(0.1, severity) / 10. The paper
mixes normalised pictures; normalising is affine and the weights sum to 1, so mixing before it is the same.

A label of pixels allows no geometry that differs between the chains. So the chains are photometric, and ``geometry``
moves the picture once, before they begin, and the label with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS

from mmfan.datasets.augmentations.mixing import chained, drawn_level, mixture
from mmfan.datasets.augmentations.overlaps import check_still, overlap_of
from mmfan.datasets.augmentations.photometric import OPERATIONS, OVERLAPS, OWN
from mmfan.datasets.augmentations.steps import Picture, happens, like, number, picture_of
from mmfan.datasets.augmentations.steps import fraction as checked_fraction
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS
from mmfan.utils.checks import whole_number
from mmfan.utils.text import did_you_mean

IGNORED = 255
MOVES = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")


@TRANSFORMS.register_module()
class AugMix(BaseTransform):
    """Mix chains of operations into the picture; after crop and flip, before the packing step.

    With :class:`mmfan.Views` and :class:`mmfan.ConsistencyWrapper` it is the AugMix of the paper, whose loss asks for
    the same prediction on several such pictures. PRIME's mixing is ``ops=[dict(type="mmfan.RandomFilter"),
    dict(type="mmfan.SmoothColour")]``.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR, uint8.
    - gt_seg_map (np.ndarray, optional): (H, W); moved with the picture where ``geometry`` is asked for.

    Modified Keys:

    - img, and with ``geometry`` gt_seg_map.

    Args:
        severity: Greatest level of an operation, 0.1 to 10: 1 as for ImageNet, 3 as for CIFAR.
        width: Number of chains.
        depth: Operations of a chain; None draws 1 to 3.
        alpha: Of both distributions.
        ops: Names of operations or configs of transforms that leave everything in its place; None for the four of the
            paper that do: autocontrast, equalize, posterize, solarize.
        all_ops: Also colour, contrast, brightness and sharpness, which are test corruptions and so left out by AugMix.
        geometry: Also move the picture once: rotate, shear or translate it, and the label of its pixels with it (255
            where nothing was). Not for boxes and masks.
        prob: Probability that a picture is changed.

    Attributes:
        overlaps: Names of the test corruptions that the operations overlap.
        moves: Whether it moves the picture, ``geometry``.

    Raises:
        MMFanError: An argument is out of range, or an operation moves or loads pictures; or, at work, the picture is
            missing or cannot be moved.
    """

    def __init__(
        self,
        severity: float = 1.0,
        width: int = 3,
        depth: int | None = None,
        alpha: float = 1.0,
        ops: Sequence[str | Mapping[str, Any]] | None = None,
        all_ops: bool = False,
        geometry: bool = False,
        prob: float = 1.0,
    ) -> None:
        self.severity = number("severity", severity, 0.1, 10)
        self.width = whole_number("width", width, 1)
        self.depth = None if depth is None else whole_number("depth", depth, 1)
        self.alpha = number("alpha", alpha, 1e-3)
        self.prob = checked_fraction("prob", prob)
        for name, value in (("geometry", geometry), ("all_ops", all_ops)):
            if not isinstance(value, bool):
                raise MMFanError(f"Expected `{name}` to be True or False, got {value!r:.80}.")
        self.geometry = self.moves = geometry
        if ops is not None and not isinstance(ops, (list, tuple)):
            raise MMFanError(f"Expected `ops` to be a list of operations, got {ops!r:.80}.")
        if ops is not None and all_ops:
            raise MMFanError("Name the operations with `ops`, or take all with `all_ops`, not both.")
        names = (tuple(OPERATIONS) if all_ops else OWN) if ops is None else tuple(ops)
        if not names:
            raise MMFanError("Expected `ops` to be a list of operations, got none.")
        made = [_operation(one) for one in names]
        self.operations = [operation for operation, _ in made]
        self.overlaps = frozenset(name for _, overlaps in made for name in overlaps)
        self.ops = names

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        picture_of(results, self)
        if not happens(self.prob):
            return results
        if self.geometry:
            self._move(results)
        image = picture_of(results, self)
        results["img"] = like(self.mixed(image), image)
        return results

    def mixed(self, image: Picture) -> Picture:
        """The mixture as float32, before it is rounded."""
        return mixture(image, self._chain, self.width, self.alpha)

    def _chain(self, image: Picture) -> Picture:
        changed = like(image, np.empty(0, np.uint8))
        return chained(changed, self.operations, self._level, self.depth)

    def _level(self) -> float:
        return drawn_level(self.severity)

    def _move(self, results: dict[str, Any]) -> None:
        boxed = [key for key in ("gt_bboxes", "gt_masks") if key in results]
        if boxed:
            raise MMFanError(
                f"mmfan.AugMix(geometry=True) moves labels of pixels only, and this sample has {' and '.join(boxed)}: "
                "leave `geometry` out, or take mmdetection's own geometric transforms before this one."
            )
        image = results["img"]
        size = (image.shape[1], image.shape[0])
        matrix = affine(MOVES[np.random.randint(len(MOVES))], self._level() * np.random.choice((-1.0, 1.0)), size)
        results["img"] = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
        for key in results.get("seg_fields", ["gt_seg_map"] if "gt_seg_map" in results else []):
            results[key] = cv2.warpAffine(
                results[key], matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORED
            )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(severity={self.severity}, width={self.width}, depth={self.depth}, "
            f"alpha={self.alpha}, ops={self.ops}, geometry={self.geometry}, prob={self.prob})"
        )


def _operation(one: str | Mapping[str, Any]) -> tuple[Callable[[Picture, float], Picture], frozenset[str]]:
    if isinstance(one, Mapping):
        if "type" not in one:
            raise MMFanError(f"Expected an operation to be a name or a config of a transform, got {one!r:.80}.")
        step = ROOT_TRANSFORMS.build(dict(one))
        check_still("mmfan.AugMix", step)
        found = overlap_of([step])
        if found.unknown:
            names = ", ".join(found.unknown)
            raise MMFanError(f"Nobody has said which corruptions {names} overlaps: give its class `overlaps`, a set.")
        return lambda image, level: step.transform({"img": image})["img"], frozenset(found.types)
    if not isinstance(one, str):
        raise MMFanError(f"Expected an operation to be a name or a config of a transform, got {one!r:.80}.")
    if one not in OPERATIONS:
        meant = did_you_mean(one, OPERATIONS)
        raise MMFanError(f"There is no operation {one!r}.{meant} There are: {', '.join(OPERATIONS)}.")
    return OPERATIONS[one], OVERLAPS.get(one, frozenset())


def affine(move: str, level: float, size: tuple[int, int]) -> Picture:
    """The 2x3 matrix of a move about the middle of a picture, for OpenCV.

    Args:
        move: ``'rotate'`` (30 degrees at level 1), ``'shear_x'``, ``'shear_y'`` (0.3), ``'translate_x'``,
            ``'translate_y'`` (a third of the side).
        level: -1 to 1.
        size: Width and height in pixels.
    """
    middle = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    if move == "rotate":
        return np.asarray(cv2.getRotationMatrix2D(middle, 30 * level, 1.0))
    matrix = np.eye(2, 3)
    if move.startswith("translate"):
        along = 0 if move == "translate_x" else 1
        matrix[along, 2] = level * size[along] / 3
        return matrix
    along = 0 if move == "shear_x" else 1
    matrix[along, 1 - along] = 0.3 * level
    matrix[along, 2] = -0.3 * level * middle[1 - along]
    return matrix
