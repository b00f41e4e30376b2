"""Textures swapped: each segment keeps its outline and its label, and gets the texture of another class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.draws import stream_key, words
from mmfan.datasets.cues.defaults import COLOURS, CONTEXTS, LEAST_AREA
from mmfan.datasets.cues.segments import Segment, number_segments
from mmfan.datasets.cues.textures import Texture, mirrored
from mmfan.errors import MMFanError

Picture = NDArray[np.uint8]
KEPT = 255  # in the map of swapped textures: pixels with a texture of their own
SHARE_STREAM = 2  # of the draws whether a segment is swapped; which texture it gets is stream 0


class Swapped(NamedTuple):
    """A picture with swapped textures.

    Attributes:
        picture: (H, W, 3), uint8.
        textures: (H, W) uint8: the class whose texture a pixel has now, :data:`KEPT` where it has its own.
    """

    picture: Picture
    textures: NDArray[np.uint8]


def swap_textures(
    picture: Picture,
    labels: NDArray[np.uint8],
    donors: Iterable[Sequence[Texture]],
    seed: int,
    *,
    area: int = LEAST_AREA,
    colour: str = "donor",
    context: str = "keep",
    share: float = 1.0,
    ignore_index: int = 255,
) -> Swapped:
    """Give each large segment the texture of another class, tiled from the top left corner of its box.

    A segment takes its texture from the first donor that has one of another class, each of these as likely as the
    others. Segments for which no donor has one stay as they are.

    Args:
        picture: (H, W, 3).
        labels: (H, W) class numbers.
        donors: The textures of one other picture after another; no more are asked for than are needed.
        seed: 0 to 2**64 - 1.
        area: Segments of at least so many pixels are swapped.
        colour: ``'donor'``: the texture has its own colour; ``'keep'``: it is moved to the mean colour of the segment.
        context: ``'keep'``: what is not swapped stays; ``'grey'``: it becomes the mean colour of the picture.
        share: Probability that a segment is swapped.
        ignore_index: Number of pixels that do not count: they are never swapped.

    Raises:
        MMFanError: The sizes differ, or an argument is out of range.
    """
    check_pair(picture, labels)
    for name, value, allowed in (("colour", colour, COLOURS), ("context", context, CONTEXTS)):
        if value not in allowed:
            raise MMFanError(f"Expected `{name}` to be {' or '.join(map(repr, allowed))}, got {value!r:.80}.")
    numbers, segments = number_segments(labels)
    wanted = [one for one in segments if one.label != ignore_index and one.area >= area]
    if share < 1:
        drawn = words(stream_key(seed, SHARE_STREAM), len(wanted)).tolist()
        wanted = [one for one, draw in zip(wanted, drawn, strict=True) if (draw >> 11) * 2.0**-53 < share]
    swapped, textures = picture.copy(), np.full(labels.shape, KEPT, np.uint8)
    for segment, texture in zip(wanted, _chosen(wanted, donors, seed), strict=True):
        if texture is None:
            continue
        inside = numbers[segment.box] == segment.number
        paint: NDArray[Any] = mirrored(texture.tile, segment.height, segment.width)[inside]
        if colour == "keep":
            paint = _moved(paint, texture.tile, picture[segment.box][inside])
        swapped[segment.box][inside] = paint
        textures[segment.box][inside] = texture.label
    if context == "grey":
        swapped[textures == KEPT] = np.rint(picture.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    return Swapped(swapped, textures)


def _chosen(segments: Sequence[Segment], donors: Iterable[Sequence[Texture]], seed: int) -> list[Texture | None]:
    """The texture of each segment; None where no donor has one of another class."""
    source, known = iter(donors), list[Sequence[Texture]]()
    chosen: list[Texture | None] = []
    for segment, draw in zip(segments, words(stream_key(seed, 0), len(segments)).tolist(), strict=True):
        others: list[Texture] = []
        place = 0
        while not others:
            if place == len(known):
                donor = next(source, None)
                if donor is None:
                    break
                known.append(donor)
            others = [one for one in known[place] if one.label != segment.label]
            place += 1
        chosen.append(others[(draw >> 32) * len(others) >> 32] if others else None)
    return chosen


def _moved(paint: Picture, tile: Picture, own: Picture) -> Picture:
    """Paint with the mean colour of the tile moved to that of the pixels it covers."""
    shift = own.mean(axis=0) - tile.reshape(-1, 3).mean(axis=0)
    return np.rint(np.clip(paint + shift, 0, 255)).astype(np.uint8)


def check_pair(picture: Any, labels: Any) -> None:
    """See that a picture and its label map are ones.

    Raises:
        MMFanError: They are not, or differ in size.
    """
    told = [
        f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        for value in (picture, labels)
    ]
    fits = isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    if not fits or not isinstance(labels, np.ndarray) or labels.dtype != np.uint8 or labels.shape != picture.shape[:2]:
        raise MMFanError(
            f"Expected a picture (H, W, 3) and its label map (H, W), both of uint8, got {told[0]} and {told[1]}."
        )
