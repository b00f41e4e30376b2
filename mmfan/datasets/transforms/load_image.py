"""``LoadImageFromFile``, a pipeline step: a picture from its file, which is named when it cannot be read."""

from __future__ import annotations

import struct
from typing import Any

import cv2
from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile

from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS

# What OpenCV, Pillow and tifffile raise on an empty, truncated or foreign file. SyntaxError is Pillow's word for a
# broken PNG, AssertionError is mmcv's for a picture that OpenCV gave up on.
DECODING_ERRORS = (OSError, ValueError, SyntaxError, EOFError, AssertionError, struct.error, cv2.error)


@TRANSFORMS.register_module()
class LoadImageFromFile(MMCVLoadImageFromFile):
    """Load a picture from a file; one that cannot be decoded is an error that names it.

    mmcv passes on the decoder's own words for an empty file and for every backend but OpenCV, which do not say which of
    a hundred thousand files is meant.

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
        MMFanError: The file is empty, truncated or no picture.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the picture at ``results['img_path']``; ``None`` for a bad one if ``ignore_empty`` was asked for."""
        try:
            return super().transform(results)
        except FileNotFoundError:
            raise  # its message names the file
        except (*DECODING_ERRORS, AttributeError) as error:  # `python -O` takes mmcv's assertion away
            if self.ignore_empty:  # mmcv keeps this promise for some decoders only
                return None
            raise MMFanError(
                f"Cannot read the picture {results['img_path']} with the backend {self.imdecode_backend!r}. It may be "
                f"empty or cut short: make or fetch it again. The decoder says: {' '.join(str(error).split())}"
            ) from error
