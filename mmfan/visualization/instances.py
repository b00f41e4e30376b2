"""Detected objects over their picture: boxes, masks, names and scores."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from mmfan.errors import MMFanError

LUMA = (0.299, 0.587, 0.114)  # weights of R, G and B in brightness


def distinct_colours(count: int) -> list[tuple[int, int, int]]:
    """Colours for classes that come without any: RGB, 0 to 255, hues by the golden ratio.

    >>> distinct_colours(2)
    [(220, 44, 44), (44, 95, 220)]
    """
    parts = [colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.8, 0.863) for number in range(count)]
    return [(round(255 * red), round(255 * green), round(255 * blue)) for red, green, blue in parts]


@lru_cache(maxsize=8)
def _font(size: int) -> Any:
    # matplotlib brings this font; OpenCV's own have no letters beyond ASCII
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)


def draw_instances(
    picture: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    *,
    scores: np.ndarray | None = None,
    masks: np.ndarray | None = None,
    opacity: float = 0.5,
    scale: int = 1,
) -> np.ndarray:
    """Draw objects over a picture, the surest last, each with its name and score beside its box.

    Args:
        picture: (H, W, 3) uint8, RGB.
        boxes: (N, 4) left, top, right, bottom in pixels.
        labels: (N,) class numbers.
        classes: All class names.
        palette: One RGB colour, 0 to 255, for each class.
        scores: (N,) from 0 to 1; drawn as percentages. None for the truth.
        masks: (N, H, W) bool; None for boxes alone.
        opacity: Of the masks: 0 leaves their outlines alone.
        scale: Enlarge the picture so many times first, for names that would hide a small one.

    Returns:
        (scale * H, scale * W, 3) uint8, RGB.

    Raises:
        MMFanError: Shapes do not fit, a label has no class, or opacity or scale is out of range.
    """
    _check(picture, boxes, labels, classes, palette, scores, masks, opacity)
    if scale < 1:
        raise MMFanError(f"Expected scale to be 1 or more, got {scale}.")
    order = np.arange(len(boxes)) if scores is None else np.argsort(scores, kind="stable")
    colours = np.asarray(palette, np.uint8)
    painted = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    boxes = boxes * scale
    unit = max(1, round(min(painted.shape[:2]) / 400))  # line width: 2 for a picture 800 high
    for number in order if masks is not None else ():
        mask = np.kron(masks[number], np.ones((scale, scale), bool))  # type: ignore[index]
        _paint_mask(painted, mask, colours[labels[number]], opacity, unit)
    canvas = Image.fromarray(painted)
    draw = ImageDraw.Draw(canvas)
    for number in order:
        colour = tuple(int(part) for part in colours[labels[number]])
        left, top, right, bottom = (float(side) for side in boxes[number])
        if right >= left and bottom >= top:
            draw.rectangle((left, top, right, bottom), outline=colour, width=unit + (masks is None))
    for number in order:
        name = classes[labels[number]]
        text = name if scores is None else f"{name} {100 * scores[number]:.0f}"
        _write(draw, text, boxes[number], colours[labels[number]], canvas.size)
    return np.asarray(canvas)


def _check(
    picture: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    scores: np.ndarray | None,
    masks: np.ndarray | None,
    opacity: float,
) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise MMFanError(f"Expected a picture as (H, W, 3) uint8, got {picture.shape} {picture.dtype}.")
    count = len(labels)
    expected = {
        "boxes": (boxes, (count, 4)),
        "scores": (scores, (count,)),
        "masks": (masks, (count, *picture.shape[:2])),
    }
    for name, (array, shape) in expected.items():
        if array is not None and array.shape != shape:
            raise MMFanError(f"Expected {name} of shape {shape} for {count} labels, got {array.shape}.")
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < min(len(classes), len(palette)):
        raise MMFanError(
            f"Expected labels below {min(len(classes), len(palette))}, for which there are a name and a colour, "
            f"got {int(labels.min())} to {int(labels.max())}."
        )
    if not 0 <= opacity <= 1:
        raise MMFanError(f"Expected opacity from 0 to 1, got {opacity}.")


def _paint_mask(picture: np.ndarray, mask: np.ndarray, colour: np.ndarray, opacity: float, unit: int) -> None:
    inside = picture[mask]
    picture[mask] = np.rint(inside * (1 - opacity) + colour * opacity).astype(np.uint8)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    shade = tuple(int(part) for part in colour // 2)  # darker than the area, so that neighbours of one class stay apart
    cv2.drawContours(picture, contours, -1, shade, unit)


def _write(draw: ImageDraw.ImageDraw, text: str, box: np.ndarray, colour: np.ndarray, size: tuple[int, int]) -> None:
    """Write ``text`` on a plate above the box, or inside it where there is no room above."""
    font = _font(int(np.clip(min(size) / 28, 10, 22)))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + 4, bottom - top + 4
    x = float(np.clip(box[0], 0, max(size[0] - width, 0)))
    y = float(box[1]) - height
    if y < 0:
        y = float(np.clip(box[1], 0, max(size[1] - height, 0)))
    dark = float(np.dot(colour, LUMA)) < 140
    draw.rectangle((x, y, x + width, y + height), fill=tuple(int(part) for part in colour))
    draw.text((x + 2 - left, y + 2 - top), text, font=font, fill=(255, 255, 255) if dark else (0, 0, 0))
