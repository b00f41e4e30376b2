"""The embedded miniature sets: street scenes drawn from a seed, in the forms of Cityscapes and of COCO.

NumPy and OpenCV only. ``draw_scene`` makes one picture; ``write_cityscapes`` and ``write_coco`` a complete set on disk.
"""

from .coco import write_coco
from .scene import Scene, draw_scene
from .writing import draw_miniature, write_cityscapes

__all__ = ["Scene", "draw_miniature", "draw_scene", "write_cityscapes", "write_coco"]
