"""Plain form of FAN's segmentor: the yardstick of the benchmark and a reference for the tests."""

from mmfan.benchmark.plain.segmentor import (
    PLAIN_ARCHS,
    STRIDE,
    PlainArch,
    PlainFAN,
    PlainSegformerHead,
    PlainSegmentor,
)

__all__ = ["PLAIN_ARCHS", "STRIDE", "PlainArch", "PlainFAN", "PlainSegformerHead", "PlainSegmentor"]
