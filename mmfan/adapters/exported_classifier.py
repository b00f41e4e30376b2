"""Exported networks (ONNX and its like) as classifiers, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer
from mmfan.adapters.exported import Port, fitting, input_array, layout_of
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.errors import MMFanError


class ExportedClassifier:
    """A classifier that maps an array to logits or probabilities (N, K), as ``predict`` of ``judge``.

    Args:
        port: Its input.
        run: Maps the input array to the output array.
        preprocessing: What the network expects of a picture. A size that the network fixes need not be given. Of a
            network that takes bytes, pixels are given as they are.
        layout: ``'NCHW'`` or ``'NHWC'``, where the shape of the input does not say it.

    Raises:
        MMFanError: The input or the preprocessing do not fit; called, so does the output.
    """

    def __init__(
        self,
        port: Port,
        run: Callable[[NDArray[Any]], Any],
        preprocessing: Preprocessing | None = None,
        layout: str | None = None,
    ) -> None:
        self.port, self.run = port, run
        self.layout = layout_of(port, layout)
        self.preprocessing = fitting(preprocessing or Preprocessing(), port, self.layout)

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The scores, (K,) floats, of a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._scores)

    def _scores(self, pictures: list[Picture]) -> list[NDArray[np.floating]]:
        count = self.port.shape[0] or len(pictures)
        found: list[NDArray[np.floating]] = []
        for start in range(0, len(pictures), count):
            part = pictures[start : start + count]
            arrays = [input_array(self.preprocessing, self.port, self.layout, rgb) for rgb in part]
            batch = np.stack(arrays + arrays[-1:] * (count - len(part)))  # a fixed batch is filled up
            found += list(flat_scores(np.asarray(self.run(batch)), len(batch))[: len(part)])
        return found


def flat_scores(output: NDArray[Any], count: int) -> NDArray[np.floating]:
    """Logits or probabilities (N, K), in which sides of 1 pixel, (N, K, 1, 1), are left out.

    Raises:
        MMFanError: They are of another shape or type.
    """
    if output.ndim == 4 and output.shape[2:] == (1, 1):
        output = output[:, :, 0, 0]
    if output.ndim != 2 or len(output) != count or output.dtype.kind != "f":
        raise MMFanError(
            f"Expected the network to return logits or probabilities ({count}, K), floats, got {output.dtype} "
            f"{output.shape}."
        )
    return output
