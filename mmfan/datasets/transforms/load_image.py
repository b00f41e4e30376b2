"""``LoadImageFromFile``, a pipeline step: reads a picture, and names the file that it cannot read."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile
from mmengine import fileio
from PIL import Image

from mmfan.errors import MMFanError
from mmfan.picture_files import check_content
from mmfan.registry import TRANSFORMS

# What OpenCV, Pillow and tifffile raise on a foreign or damaged file. SyntaxError is Pillow's word for a broken PNG.
DECODING_ERRORS = (OSError, ValueError, SyntaxError, EOFError, struct.error, cv2.error, Image.DecompressionBombError)


@TRANSFORMS.register_module()
class LoadImageFromFile(MMCVLoadImageFromFile):
    """Load a picture from a file; one that is not whole, or too large, is an error that names it.

    The file is checked before it is decoded, as :mod:`mmfan.picture_files` says: OpenCV gives a cut JPEG or TIFF a grey
    rest, and dies on some damaged files. mmcv passes on the decoder's own words, which do not say which of a hundred
    thousand files is meant.

    Required Keys:

    - img_path (str)

    Added Keys:

    - img (np.ndarray): (H, W, 3), BGR, uint8 in 0..255 (float32 with ``to_float32=True``).
    - img_shape (tuple): (H, W).
    - ori_shape (tuple): (H, W).

    Args:
        **kwargs: As :class:`mmcv.transforms.LoadImageFromFile`.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The file is empty, truncated, damaged, larger than the limit, or no still picture.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the picture at ``results['img_path']``; ``None`` for a bad one if ``ignore_empty`` was asked for."""
        try:
            image = self.image_of(self.content_of(results["img_path"]))
        except FileNotFoundError:
            if self.ignore_empty:
                return None
            raise  # its message names the file
        except DECODING_ERRORS as error:
            if self.ignore_empty:  # mmcv keeps this promise for some decoders only
                return None
            raise MMFanError(
                f"Cannot read the picture {results['img_path']} with the backend {self.imdecode_backend!r}. It may be "
                f"empty or cut short: make or fetch it again. What is wrong: {' '.join(str(error).split())}"
            ) from error
        results["img"] = image
        results["img_shape"] = results["ori_shape"] = image.shape[:2]
        return results

    def content_of(self, path: str) -> bytes:
        """The bytes of a file, by the file backend of this step."""
        if self.file_client_args is not None:
            return bytes(fileio.FileClient.infer_client(self.file_client_args, path).get(path))
        return bytes(fileio.get(path, backend_args=self.backend_args))

    def image_of(self, content: bytes) -> np.ndarray:
        """The array that this step makes of a file, after the file was checked.

        Raises:
            MMFanError: The check found something, or the decoder gave up; other errors are the decoder's own.
        """
        check_content(content)
        image = mmcv.imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
        if image is None:  # OpenCV's way to say so
            raise MMFanError("the decoder gave up")
        return image.astype(np.float32) if self.to_float32 else image
