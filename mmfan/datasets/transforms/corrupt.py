"""``Corrupt``, a pipeline step: corrupted pictures with the bytes that the file of a corrupted set has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from numpy.typing import NDArray

from mmfan.corruptions import check_picture, corrupt, picture_name, picture_seed
from mmfan.datasets.transforms.choices import CLEAN, Choices, check_seed, make_choices
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS

# What the transform adds to a sample; to be named in the `meta_keys` of the packing step if a model or metric wants it.
CORRUPTION_META_KEYS = ("corruption", "severity", "corruption_seed")
# Where a dataset says what the names of its pictures are relative to, if the layout of the folders does not.
NAME_ROOT_KEY = "corruption_name_root"


def corrupt_bgr(image: NDArray[np.uint8], corruption: str, severity: int, seed: int) -> NDArray[np.uint8]:
    """Corrupt a picture as OpenMMLab holds it.

    Args:
        image: BGR (H, W, 3), or grey (H, W) or (H, W, 1), uint8; it is not changed.
        corruption: Name of the corruption; ``'clean'`` returns ``image`` itself.
        severity: Its severity.
        seed: The seed of this picture.

    Returns:
        A new picture of the same shape and order of channels, contiguous.

    Raises:
        MMFanError, TypeError: As :func:`mmfan.corruptions.corrupt`, which checks all four.
    """
    if corruption == CLEAN:
        return image
    if not (isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3):
        return corrupt(image, corruption, severity, seed)  # grey, or nothing that can be corrupted, which it says
    # cvtColor is several times faster than reversing the channels with a stride of -1
    result = corrupt(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), corruption, severity, seed)
    return np.asarray(cv2.cvtColor(result, cv2.COLOR_RGB2BGR), np.uint8)


def whole_numbers(image: NDArray[Any]) -> NDArray[Any]:
    """A picture of floats that are whole numbers from 0 to 255, as uint8; any other as it is."""
    if image.dtype.kind != "f":
        return image
    with np.errstate(invalid="ignore"):
        whole = image.astype(np.uint8)
    return whole if np.array_equal(whole, image) else image


def name_of_sample(sample: Mapping[str, Any], root: str | None = None) -> str:
    """The name of a sample's picture, that seeds are derived from.

    Args:
        sample: With ``img_path``, and perhaps with :data:`NAME_ROOT_KEY`.
        root: The folder that names are relative to; goes before that of the sample.

    Raises:
        MMFanError: The sample has no path.
    """
    path = sample.get("img_path")
    if not path:
        raise MMFanError(
            "The seed of a picture is derived from `img_path`, which this sample lacks: give the sample one, or draw "
            "anew each time with seed=None."
        )
    return picture_name(path, root if root is not None else sample.get(NAME_ROOT_KEY))


@TRANSFORMS.register_module()
class Corrupt(BaseTransform):
    """Corrupt the picture of a sample: BGR in, BGR out.

    Belongs directly after the step that loads the picture, in mmsegmentation and mmdetection pipelines alike. Pictures
    of OpenMMLab are BGR and corruptions are defined on RGB: the channels are turned around before and after.

    One corruption at one severity, with a seed, gives the picture the bytes of the file that
    ``mmfan corrupt`` makes of it with that seed::

        dict(type="mmfan.Corrupt", corruption="fog", severity=3)

    Several of either are drawn from with equal chances: by numpy's generator of the worker with ``seed=None``, as
    augmentation for training wants it, or by the name of the picture with a seed, so that each picture gets the same
    each time::

        dict(type="mmfan.Corrupt", corruption="common", severity=[1, 2, 3, 4, 5], seed=None, prob=0.5)

    With neither corruption nor severity, the sample itself says what it gets, in ``corruption`` and ``severity``.

    The datasets of mmfan for corrupted sets hand the added keys on in the metainfo of the data samples. With any other
    dataset, name them in the packing step; what is named there replaces the standard keys, so these are repeated::

        dict(
            type="PackDetInputs",
            meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "flip", "flip_direction")
            + ("corruption", "severity", "corruption_seed"),
        )

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR, or (H, W) or (H, W, 1) grey, which is corrupted as a grey picture; uint8, or
      floats that are whole numbers from 0 to 255 (``to_float32`` of the loading step); both sides at least 32 pixels.
    - img_path (str): Where the clean picture was read from; not needed with ``seed=None``.
    - corruption_name_root (str, optional): The folder that the name of the picture is relative to.
    - corruption (str), severity (int): Only where the transform has none of its own.

    Modified Keys:

    - img (np.ndarray): Of the same shape, type and order of channels.

    Added Keys:

    - corruption (str): What was done; ``'clean'`` for a picture left as it is.
    - severity (int): 0 for a picture left as it is.
    - corruption_seed (int, optional): With this seed :func:`mmfan.corruptions.corrupt` repeats it; ``None`` for a
      picture left as it is.

    Args:
        corruption: Name of a corruption or a group (``'common'``, ``'noise'``, ...), several of them, or ``'clean'``;
            ``None`` takes it from the sample.
        severity: 1 to 5, or several; 0 with ``'clean'``; ``None`` takes it from the sample.
        seed: Base seed of the set; ``None`` draws anew each time.
        root: The folder that names of pictures are relative to, for sets whose layout
            :func:`mmfan.corruptions.picture_name` does not know; goes before ``corruption_name_root`` of the sample.
        prob: Probability that a picture is corrupted at all.

    Raises:
        MMFanError: An argument is out of range; or, at work, the picture is missing or cannot be corrupted.
    """

    def __init__(
        self,
        corruption: str | Sequence[str] | None = None,
        severity: int | Sequence[int] | None = None,
        seed: int | None = 0,
        root: str | None = None,
        prob: float = 1.0,
    ) -> None:
        if (corruption is None) != (severity is None):
            raise MMFanError(
                f"Expected corruption and severity together, got corruption={corruption!r}, severity={severity!r}."
            )
        self.choices = make_choices(corruption, severity, prob) if corruption is not None else None  # type: ignore[arg-type]
        if self.choices is None and prob != 1:
            raise MMFanError(f"`prob` is for a corruption of the transform's own, got {prob} without one.")
        self.seed = check_seed(seed)
        self.root = root
        self.corruption, self.severity, self.prob = corruption, severity, prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Corrupt ``results['img']`` and record how."""
        image = self._checked(results)
        corruption, severity, seed = self._cell_and_seed(results)
        corrupted = corrupt_bgr(image, corruption, severity, 0 if seed is None else seed)
        results["img"] = corrupted.astype(results["img"].dtype, copy=False)
        results["corruption"], results["severity"], results["corruption_seed"] = corruption, severity, seed
        return results

    def _cell_and_seed(self, results: dict[str, Any]) -> tuple[str, int, int | None]:
        choices = self._choices_of(results) if self.choices is None else self.choices
        if self.seed is None:
            draws, seed = self._fresh_draws()
            corruption, severity = choices.pick(draws)
            return corruption, severity, None if corruption == CLEAN else seed
        name = name_of_sample(results, self.root)
        if choices.is_fixed:
            corruption, severity = choices.corruptions[0], choices.severities[0]
        else:
            corruption, severity = choices.pick(named_draws(self.seed, name))
        seed = None if corruption == CLEAN else picture_seed(self.seed, name, corruption, severity)
        return corruption, severity, seed

    @cache_randomness
    def _fresh_draws(self) -> tuple[tuple[float, ...], int]:
        # Always the same number of draws, so that what comes after does not depend on what was chosen.
        draws = tuple(float(draw) for draw in np.random.random_sample(3))
        return draws, int(np.random.randint(0, 2**64, dtype=np.uint64))

    def _choices_of(self, results: dict[str, Any]) -> Choices:
        if "corruption" not in results or "severity" not in results:
            raise MMFanError(
                f"mmfan.Corrupt was given no corruption, and the sample of {results.get('img_path')} names none: "
                "set `corruption` and `severity` of the transform, or both keys in the samples."
            )
        return make_choices(results["corruption"], results["severity"])

    def _checked(self, results: dict[str, Any]) -> NDArray[np.uint8]:
        """The picture of a sample, as uint8."""
        if "img" not in results:
            raise MMFanError(
                f"mmfan.Corrupt found no 'img' in the sample of {results.get('img_path')}: place it after the step "
                "that loads the picture (LoadImageFromFile)."
            )
        try:
            image = results["img"]
            image = whole_numbers(image) if isinstance(image, np.ndarray) else image
            check_picture(image)
        except (TypeError, ValueError) as error:
            raise MMFanError(
                f"mmfan.Corrupt cannot corrupt the picture {results.get('img_path')}: {error} Place it directly after "
                "the step that loads the picture."
            ) from error
        return image

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(corruption={self.corruption!r}, severity={self.severity!r}, seed={self.seed}, "
            f"root={self.root!r}, prob={self.prob})"
        )


def named_draws(seed: int, name: str) -> tuple[float, float, float]:
    """Three numbers in ``[0, 1)`` that depend on the base seed and the name of the picture alone."""
    whether, which, how_much = ((picture_seed(seed, name, "choice", number) >> 11) * 2.0**-53 for number in range(3))
    return whether, which, how_much
