"""The embedded miniature sets: street scenes drawn from a seed, in the forms of Cityscapes, COCO, ACDC and ImageNet.

NumPy and OpenCV only. ``draw_scene`` makes one picture; ``write_cityscapes``, ``write_coco``,
``write_weather`` and ``write_objects`` a complete set on disk.
"""

from mmfan.datasets.miniature.scene import Scene, draw_scene
from mmfan.datasets.miniature.sets.cityscapes import draw_miniature, write_cityscapes
from mmfan.datasets.miniature.sets.coco import write_coco
from mmfan.datasets.miniature.sets.objects import write_objects
from mmfan.datasets.miniature.sets.weather import draw_in_weather, write_weather

__all__ = [
    "Scene",
    "draw_in_weather",
    "draw_miniature",
    "draw_scene",
    "write_cityscapes",
    "write_coco",
    "write_objects",
    "write_weather",
]
