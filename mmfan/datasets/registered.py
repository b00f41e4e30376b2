"""Datasets and pipeline steps, registered under the scope ``mmfan``; importing this module registers them.

What builds on mmcv, mmsegmentation or mmdetection is defined only where that is installed; elsewhere its names say what
to install. mmdetection is loaded when the first of its datasets is built: segmentation does without it.
"""

from typing import Any

from mmfan.environment import check_environment, is_installed, register_missing
from mmfan.registry import DATASETS, TRANSFORMS

__all__: list[str] = []

AUGMENTATIONS = (
    "AmplitudeMix", "AugMix", "FourierWave", "MaskBlocks", "OAMix", "PaintByNumbers", "RandomFilter", "SeedByPicture",
    "SmoothColour", "Views",
)  # fmt: skip

if is_installed("mmcv"):
    from mmfan.datasets.augmentations.amplitude import AmplitudeMix
    from mmfan.datasets.augmentations.augmix import AugMix
    from mmfan.datasets.augmentations.masking import MaskBlocks
    from mmfan.datasets.augmentations.oamix import OAMix
    from mmfan.datasets.augmentations.painting import PaintByNumbers
    from mmfan.datasets.augmentations.passes import PassSampler, SeedByPicture
    from mmfan.datasets.augmentations.prime import RandomFilter, SmoothColour
    from mmfan.datasets.augmentations.views import Views
    from mmfan.datasets.augmentations.wave import FourierWave
    from mmfan.datasets.transforms.band_noise import BandNoise
    from mmfan.datasets.transforms.corrupt import Corrupt
    from mmfan.datasets.transforms.load_image import LoadImageFromFile
    from mmfan.datasets.transforms.patch_drop import PatchDrop

    __all__ += ["BandNoise", "Corrupt", "LoadImageFromFile", "PatchDrop"]
    __all__ += ["AmplitudeMix", "AugMix", "FourierWave", "MaskBlocks", "OAMix", "PaintByNumbers", "PassSampler"]
    __all__ += ["RandomFilter", "SeedByPicture", "SmoothColour", "Views"]
else:
    register_missing(TRANSFORMS, "mmcv", ("BandNoise", "Corrupt", "LoadImageFromFile", "PatchDrop", *AUGMENTATIONS))

if is_installed("mmseg"):
    from mmfan.datasets.cityscapes import CityscapesDataset
    from mmfan.datasets.cityscapes_c import CityscapesCDataset
    from mmfan.datasets.transforms.load_labels import LoadSegAnnotations

    __all__ += ["CityscapesCDataset", "CityscapesDataset", "LoadSegAnnotations"]
else:
    register_missing(DATASETS, "mmseg", ("CityscapesDataset", "CityscapesCDataset"))
    register_missing(TRANSFORMS, "mmseg", ("LoadSegAnnotations",))

if is_installed("mmdet"):

    @DATASETS.register_module(name="CocoDataset")
    def _build_coco(**settings: Any) -> Any:
        from mmfan.datasets.coco import CocoDataset

        return CocoDataset(**settings)

    @DATASETS.register_module(name="CocoCDataset")
    def _build_coco_c(**settings: Any) -> Any:
        from mmfan.datasets.coco_c import CocoCDataset

        return CocoCDataset(**settings)

else:
    register_missing(DATASETS, "mmdet", ("CocoDataset", "CocoCDataset"))


def __getattr__(name: str) -> Any:
    if name in ("CocoDataset", "CocoCDataset"):
        check_environment("mmdet")
        from mmfan.datasets import coco, coco_c

        return coco.CocoDataset if name == "CocoDataset" else coco_c.CocoCDataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
