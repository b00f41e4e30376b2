"""Frames of a film, as OpenCV decodes them: for sets that are stored as short films (ImageNet-P).

Other than pictures, films are not checked before they are decoded: take them from where you trust.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.picture_files.header import PictureFileError

FILM_SUFFIXES = (".mp4", ".avi", ".mkv")


def frames_of(path: str | os.PathLike[str]) -> Iterator[NDArray[np.uint8]]:
    """The frames of a film in their order, (H, W, 3) uint8, RGB.

    Raises:
        FileNotFoundError: There is no such file.
        PictureFileError: It cannot be decoded, or holds no frame.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"The film {os.fspath(path)} does not exist.")
    film, count = cv2.VideoCapture(os.fspath(path)), 0
    try:
        while True:
            there, frame = film.read()
            if not there:
                break
            count += 1
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        film.release()
    if not count:
        raise PictureFileError(f"the film {os.fspath(path)} cannot be decoded, or holds no frame")
