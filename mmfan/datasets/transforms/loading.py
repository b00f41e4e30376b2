"""A loading step in two halves, between which its picture is corrupted: so that both doors give a model the same array.

A corrupted set is made by one rule, whatever the pipeline: the picture as 8-bit colours (:mod:`mmfan.picture_files`),
corrupted, in a PNG of three channels. A pipeline may read otherwise: in grey, by Pillow, as floats. What it then makes
of the set's PNG is what a picture corrupted in memory has to become as well; and where it makes something else of the
clean file than of that file's colours (alpha kept, 16 bits clipped, a turn left out), its corrupted pictures would
differ from the clean ones in more than the corruption, and it is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile
from numpy.typing import NDArray

from mmfan import picture_files
from mmfan.datasets.transforms.corrupt import whole_numbers
from mmfan.datasets.transforms.load_image import LoadImageFromFile
from mmfan.datasets.transforms.pipelines import place_of_loading
from mmfan.errors import ConfigError, MMFanError

Step = Callable[[dict[str, Any]], dict[str, Any] | None]
# Decoders differ by a level or so in JPEGs and in what grey is; what is read otherwise differs by much more.
ROUNDING = 4.0
CURE = "Set color_type='color' and imdecode_backend='cv2' in the step that loads it, or save it as 8-bit colours."


class FileLoading:
    """The loading step of mmcv or mmfan.

    Args:
        step: A ``LoadImageFromFile``; it is not changed.

    Attributes:
        step: It, with the check of the file before it is decoded, and without floats.
        plain: Whether it reads as the maker of corrupted sets does, which is mmcv's default.

    Raises:
        ConfigError: Its backend cannot read the PNGs of a corrupted set.
    """

    def __init__(self, step: MMCVLoadImageFromFile) -> None:
        if step.imdecode_backend not in ("cv2", "pillow"):
            raise ConfigError(
                f"imdecode_backend={step.imdecode_backend!r} cannot read what a corrupted set holds, and reads other "
                "colours than the set is made from: set imdecode_backend='cv2' in the step that loads the picture."
            )
        self.to_float32 = step.to_float32
        self.step = LoadImageFromFile(
            color_type=step.color_type, imdecode_backend=step.imdecode_backend, ignore_empty=step.ignore_empty,
            backend_args=step.backend_args,
        )  # fmt: skip
        self.step.file_client_args = step.file_client_args
        self.plain = (step.color_type, step.imdecode_backend) == ("color", "cv2")
        self._alike: set[str] = set()

    def clean(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the clean picture as the pipeline wants it.

        Raises:
            FileNotFoundError: There is no such file.
            MMFanError: It cannot be read, or the pipeline reads it otherwise than a corrupted set has it.
        """
        self.check_reading(results["img_path"])
        return self._as_float(self.step.transform(results))

    def to_change(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the clean picture as 8-bit colours, BGR (H, W, 3), whatever the pipeline wants."""
        if self.plain:
            return self.step.transform(results)
        image = self.check_reading(results["img_path"])
        if image is None:
            image = self._colours(results["img_path"])
        return {**results, "img": image, "img_shape": image.shape[:2], "ori_shape": image.shape[:2]}

    def form(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """What the pipeline makes of 8-bit colours, BGR (H, W, 3), in a PNG."""
        read = self._read_back(image)
        return read.astype(np.float32) if self.to_float32 else read

    def corrupted(self, results: dict[str, Any], clean: str | None) -> dict[str, Any] | None:
        """Load the file of a corrupted set at ``img_path``, made from the file at ``clean``."""
        if clean is not None:
            self.check_reading(clean)
        return self._as_float(self.step.transform(results))

    def _as_float(self, loaded: dict[str, Any] | None) -> dict[str, Any] | None:
        if loaded is not None and self.to_float32:
            loaded["img"] = loaded["img"].astype(np.float32)
        return loaded

    def _read_back(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        if not self.step.color_type.startswith("grayscale"):
            return image  # every other reading of such a PNG gives back what was written
        # each decoder has its own rounding of grey, so the PNG is written and read
        content = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()
        return np.asarray(
            mmcv.imfrombytes(content, flag=self.step.color_type, backend=self.step.imdecode_backend), np.uint8
        )

    def check_reading(self, path: str) -> NDArray[np.uint8] | None:
        """Compare what the pipeline makes of a clean file with what it makes of the file's colours, once a file.

        Returns:
            The colours, where they were read for it.

        Raises:
            MMFanError: The two are unlike, or the file cannot be read.
        """
        if self.plain or path in self._alike:
            return None
        image, loaded = self._colours(path), self.step.transform({"img_path": path})
        if loaded is not None and not _alike(loaded["img"], self._read_back(image)):
            step = f"color_type={self.step.color_type!r}, imdecode_backend={self.step.imdecode_backend!r}"
            raise MMFanError(
                f"The step that loads the picture {path} ({step}) makes {_described(loaded['img'])} of it. Corrupted "
                f"pictures are made from its 8-bit colours, {_described(image)}, of which the step makes other values: "
                f"they would not be like the clean one. {CURE}"
            )
        self._alike.add(path)
        return image

    def _colours(self, path: str) -> NDArray[np.uint8]:
        try:
            return picture_files.decode(self.step.content_of(path))
        except picture_files.PictureFileError as error:
            raise MMFanError(f"Cannot read the picture {path}: {error}.") from error


class OtherLoading:
    """A loading step that mmfan does not know: its picture is corrupted as it gives it.

    Args:
        step: Gives a picture of uint8, or of floats that are whole numbers from 0 to 255.
    """

    plain = False

    def __init__(self, step: Step) -> None:
        self._step = step
        self._kind: np.dtype[Any] | None = None
        self._tried = False

    def clean(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the picture, whose file is checked first if it is one."""
        _check_file(results.get("img_path"))
        return self._step(results)

    def to_change(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the picture, and hold its whole numbers as uint8."""
        loaded = self.clean(results)
        if loaded is not None and isinstance(loaded.get("img"), np.ndarray):
            self._kind = loaded["img"].dtype
            loaded["img"] = whole_numbers(loaded["img"])
        return loaded

    def check_reading(self, path: str) -> None:
        """Nothing is known of how it reads."""

    def form(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """The picture in the type that it was last loaded in."""
        return image if self._kind is None else image.astype(self._kind, copy=False)

    def corrupted(self, results: dict[str, Any], clean: str | None) -> dict[str, Any] | None:
        """Load the file of a corrupted set.

        Raises:
            MMFanError: Tried on the first picture, the step gives something else than the colours of the clean file.
        """
        if not self._tried and clean is not None and os.path.isfile(clean):
            loaded = self.clean({**results, "img_path": clean})
            if loaded is not None and not _alike(whole_numbers(loaded["img"]), picture_files.read(clean)):
                raise MMFanError(
                    f"The step {type(self._step).__name__} makes {_described(loaded['img'])} of the picture "
                    f"{clean}, not its colours, from which a corrupted set is made: judge on the fly, or load the "
                    "picture with LoadImageFromFile."
                )
            self._tried = True
        return self.clean(results)


Loading = FileLoading | OtherLoading


def loading_of(step: Step) -> Loading:
    """A loading step in its two halves.

    Raises:
        ConfigError: It cannot give the same array by both doors, whatever the picture.
    """
    # subclasses may do anything
    return FileLoading(step) if type(step) in (MMCVLoadImageFromFile, LoadImageFromFile) else OtherLoading(step)


class LoadImageToChange:
    """The first half of a loading step, in a pipeline."""

    def __init__(self, loading: Loading) -> None:
        self.loading = loading

    def __call__(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the picture as 8-bit colours."""
        return self.loading.to_change(results)


class TakeForm:
    """The second half of a loading step, in a pipeline."""

    def __init__(self, loading: Loading) -> None:
        self.loading = loading

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Give the picture the form that the pipeline wants."""
        results["img"] = self.loading.form(results["img"])
        return results


class LoadImageOfSet:
    """The loading step of a pipeline, for files of a corrupted set; ``clean_img_path`` names the clean one."""

    def __init__(self, loading: Loading) -> None:
        self.loading = loading

    def __call__(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the corrupted picture as the pipeline wants it."""
        return self.loading.corrupted(results, results.get("clean_img_path"))


def change_after_loading(pipeline: Any, change: Step | None) -> None:
    """Put a change of the picture into a built pipeline, between the halves of its loading step.

    Args:
        pipeline: Object with the list ``transforms``; it is changed.
        change: Changes a sample whose ``img`` was loaded; None where the pictures come from a corrupted set.

    Raises:
        MMFanError: The pipeline loads no picture, or more than one.
    """
    at = place_of_loading(pipeline)
    steps = pipeline.transforms
    loading = loading_of(steps[at])
    if change is None:
        steps[at] = LoadImageOfSet(loading)
    elif isinstance(loading, FileLoading) and loading.plain and not loading.to_float32:
        steps[at : at + 1] = [loading.step, change]  # the two halves are one
    else:
        steps[at : at + 1] = [LoadImageToChange(loading), change, TakeForm(loading)]


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(cv2.absdiff(np.ascontiguousarray(one), np.ascontiguousarray(other)).mean() <= ROUNDING)


def _described(image: NDArray[Any]) -> str:
    return f"{' x '.join(map(str, image.shape))} {image.dtype}"


def _check_file(path: Any) -> None:
    """Check the file of a step that is not known, if it is a picture file: it may as well be an array of numbers."""
    if not isinstance(path, (str, os.PathLike)) or not os.path.isfile(path):
        return
    content = picture_files.content_of(path)
    if picture_files.is_picture(content):
        try:
            picture_files.check_content(content)
        except picture_files.PictureFileError as error:
            raise MMFanError(f"Cannot read the picture {path}: {error}.") from error
