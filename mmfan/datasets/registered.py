"""Datasets and pipeline steps, registered under the scope ``mmfan``; importing this module registers them.

What builds on mmcv or mmsegmentation is defined only where that is installed; elsewhere its names say what to install.
"""

from mmfan.environment import is_installed, register_missing
from mmfan.registry import DATASETS, TRANSFORMS

__all__: list[str] = []

if is_installed("mmcv"):
    from mmfan.datasets.transforms.corrupt import Corrupt
    from mmfan.datasets.transforms.load_image import LoadImageFromFile

    __all__ += ["Corrupt", "LoadImageFromFile"]
else:
    register_missing(TRANSFORMS, "mmcv", ("Corrupt", "LoadImageFromFile"))

if is_installed("mmseg"):
    from mmfan.datasets.cityscapes import CityscapesDataset
    from mmfan.datasets.transforms.loading import LoadSegAnnotations

    __all__ += ["CityscapesDataset", "LoadSegAnnotations"]
else:
    register_missing(DATASETS, "mmseg", ("CityscapesDataset",))
    register_missing(TRANSFORMS, "mmseg", ("LoadSegAnnotations",))
