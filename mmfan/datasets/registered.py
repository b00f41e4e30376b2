"""Datasets and pipeline steps, registered under the scope ``mmfan``; importing this module registers them.

What builds on mmcv, mmsegmentation or mmdetection is defined only where that is installed; elsewhere its names say what
to install. mmdetection is loaded when the first of its datasets is built: segmentation does without it.
"""

from importlib import import_module
from typing import Any

from mmfan.environment import check_environment, is_installed, register_missing
from mmfan.registry import DATASETS, TRANSFORMS

__all__: list[str] = []
_WEATHER = (
    "ACDCDataset",
    "ACDCReferenceDataset",
    "BDD100KDataset",
    "DarkZurichDataset",
    "MUSESDataset",
    "NightDrivingDataset",
)

AUGMENTATIONS = (
    "AmplitudeMix", "AugMix", "FourierWave", "MaskBlocks", "OAMix", "PaintByNumbers", "RandomFilter", "SeedByPicture",
    "SmoothColour", "SwapTextures", "Views",
)  # fmt: skip

OF_CLASSES = ("KeepClean", "LoadFormedImage", "PackClasses", "RandomResizedCrop")

if is_installed("mmcv"):
    from mmfan.datasets.augmentations.amplitude import AmplitudeMix
    from mmfan.datasets.augmentations.augmix import AugMix
    from mmfan.datasets.augmentations.masking import MaskBlocks
    from mmfan.datasets.augmentations.oamix import OAMix
    from mmfan.datasets.augmentations.painting import PaintByNumbers
    from mmfan.datasets.augmentations.passes import PassSampler, SeedByPicture
    from mmfan.datasets.augmentations.prime import RandomFilter, SmoothColour
    from mmfan.datasets.augmentations.textures import SwapTextures
    from mmfan.datasets.augmentations.views import Views
    from mmfan.datasets.augmentations.wave import FourierWave
    from mmfan.datasets.classes.dataset import ClassFoldersDataset
    from mmfan.datasets.classes.transforms import KeepClean, LoadFormedImage, PackClasses, RandomResizedCrop
    from mmfan.datasets.transforms.band_noise import BandNoise
    from mmfan.datasets.transforms.corrupt import Corrupt
    from mmfan.datasets.transforms.load_image import LoadImageFromFile
    from mmfan.datasets.transforms.patch_drop import PatchDrop

    __all__ += ["BandNoise", "Corrupt", "LoadImageFromFile", "PatchDrop"]
    __all__ += ["AmplitudeMix", "AugMix", "FourierWave", "MaskBlocks", "OAMix", "PaintByNumbers", "PassSampler"]
    __all__ += ["RandomFilter", "SeedByPicture", "SmoothColour", "SwapTextures", "Views"]
    __all__ += ["ClassFoldersDataset", "KeepClean", "LoadFormedImage", "PackClasses", "RandomResizedCrop"]
else:
    register_missing(TRANSFORMS, "mmcv", ("BandNoise", "Corrupt", "LoadImageFromFile", "PatchDrop", *AUGMENTATIONS))
    register_missing(TRANSFORMS, "mmcv", OF_CLASSES)
    register_missing(DATASETS, "mmcv", ("ClassFoldersDataset",))

if is_installed("mmseg"):
    from mmfan.datasets.cityscapes import CityscapesDataset
    from mmfan.datasets.cityscapes_c import CityscapesCDataset
    from mmfan.datasets.transforms.load_labels import LoadSegAnnotations
    from mmfan.datasets.weather import (
        ACDCDataset,
        ACDCReferenceDataset,
        BDD100KDataset,
        DarkZurichDataset,
        MUSESDataset,
        NightDrivingDataset,
    )

    __all__ += ["CityscapesCDataset", "CityscapesDataset", "LoadSegAnnotations"]
    __all__ += ["ACDCDataset", "ACDCReferenceDataset", "BDD100KDataset", "DarkZurichDataset", "MUSESDataset"]
    __all__ += ["NightDrivingDataset"]
else:
    register_missing(DATASETS, "mmseg", ("CityscapesDataset", "CityscapesCDataset", *_WEATHER))
    register_missing(TRANSFORMS, "mmseg", ("LoadSegAnnotations",))

_DETECTION = {
    "CocoDataset": "coco",
    "CocoCDataset": "coco_c",
    "CocoODataset": "coco_weather",
    "ExDarkDataset": "coco_weather",
}


def _detection_class(name: str) -> Any:
    return getattr(import_module(f"mmfan.datasets.{_DETECTION[name]}"), name)


def _register_detection(name: str) -> None:
    def build(**settings: Any) -> Any:
        return _detection_class(name)(**settings)

    DATASETS.register_module(name=name, module=build)


if is_installed("mmdet"):
    for _name in _DETECTION:
        _register_detection(_name)
else:
    register_missing(DATASETS, "mmdet", tuple(_DETECTION))


def __getattr__(name: str) -> Any:
    if name in _DETECTION:
        check_environment("mmdet")
        return _detection_class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
