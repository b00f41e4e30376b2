"""The embedded miniature Cityscapes: street scenes drawn from a seed, with every label file of the original.

NumPy and OpenCV only. ``draw_scene`` makes one picture, ``write_cityscapes`` a complete set on disk.
"""

from .scene import Scene, draw_scene
from .writing import draw_miniature, write_cityscapes

__all__ = ["Scene", "draw_miniature", "draw_scene", "write_cityscapes"]
