"""The embedded miniature sets: street scenes drawn from a seed, in the forms of Cityscapes and of COCO.

NumPy and OpenCV only. ``draw_scene`` makes one picture; ``write_cityscapes`` and ``write_coco`` a complete set on disk.
"""

from mmfan.datasets.miniature.scene import Scene, draw_scene
from mmfan.datasets.miniature.sets.cityscapes import draw_miniature, write_cityscapes
from mmfan.datasets.miniature.sets.coco import write_coco

__all__ = ["Scene", "draw_miniature", "draw_scene", "write_cityscapes", "write_coco"]
