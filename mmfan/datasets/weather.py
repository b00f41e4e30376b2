"""Real weather for segmentation: ACDC, Dark Zurich, Nighttime Driving, MUSES and BDD100K, by split and condition.

All have the classes of Cityscapes as train ids, so a model of Cityscapes is tested on them as it is.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from mmfan.datasets.cityscapes import CityscapesDataset
from mmfan.datasets.prepare.weather_trees import TREES, Tree
from mmfan.errors import MMFanError
from mmfan.registry import DATASETS


class WeatherDataset(CityscapesDataset):
    """A set of real weather: one split of it, all conditions or one.

    Its samples say ``condition``. As in the other sets of mmsegmentation, folders can be given instead
    (``data_prefix=dict(img_path='rgb_anon/fog/val', seg_map_path='gt/fog/val')``).

    Args:
        split: One of the set's; by default ``'val'``, or the only one that it has.
        condition: One of the set's, such as ``'fog'``; of MUSES also ``'night'``, which is the nights of all weathers;
            ``None`` for all.
        data_prefix: Folders of one's own, instead of a split and a condition.
        **kwargs: As :class:`mmfan.CityscapesDataset`.

    Raises:
        FileNotFoundError: A folder, the pictures or some labels are missing. With ``lazy_init=True`` this comes from
            ``full_init``.
        MMFanError: There is no such split or condition, or they are given together with folders.
    """

    TREE: ClassVar[Tree]

    def __init__(
        self,
        *args: Any,
        split: str | None = None,
        condition: str | None = None,
        data_prefix: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        tree = self.TREE
        if data_prefix and (split or condition):
            raise MMFanError(
                f"{type(self).__name__} takes `split` and `condition`, or folders in `data_prefix`, not both: set "
                "data_prefix=None, or leave the others out."
            )
        self.split = split or ("val" if "val" in tree.splits else tree.splits[0])
        self.whole = not data_prefix
        if self.whole:
            tree.check_split(self.split)
            self.conditions = tree.chosen(condition)
            data_prefix = {"img_path": tree.top}
        kwargs = {"img_suffix": tree.picture_suffix, "seg_map_suffix": tree.label_suffix, **kwargs}
        super().__init__(*args, data_prefix=data_prefix, **kwargs)

    def how_to_get(self) -> str:
        """What to tell a reader who lacks the set."""
        return self.TREE.advice(os.path.abspath(self.data_root) if self.data_root else "ROOT")

    def load_data_list(self) -> list[dict]:
        """List the samples of the conditions, one after the other, after checking that all their files are there."""
        if not self.whole:
            return super().load_data_list()
        samples: list[dict] = []
        for condition in self.conditions:
            folders = {"img_path": self.TREE.picture_folder(self.split, condition)}
            labels = self.TREE.label_folder(self.split, condition)
            if labels is not None:
                folders["seg_map_path"] = labels
            self.data_prefix = {key: os.path.join(self.data_root or "", folder) for key, folder in folders.items()}
            samples += [sample | {"condition": condition} for sample in super().load_data_list()]
        # names of pictures are relative to the folder of them all
        self.data_prefix = {"img_path": os.path.join(self.data_root or "", self.TREE.top)}
        return samples


@DATASETS.register_module()
class ACDCDataset(WeatherDataset):
    """ACDC: fog, night, rain and snow, 1920x1080 (Sakaridis et al., ICCV 2021, arXiv 2104.13395).

    The labels of ``split='test'`` are kept by its server: see ``mmfan submit acdc``. The rest as
    :class:`WeatherDataset`.
    """

    TREE = TREES["acdc"]


@DATASETS.register_module()
class ACDCReferenceDataset(WeatherDataset):
    """The reference frames of ACDC: the same places in good weather; by themselves without labels.

    Where their labels were got too (a later release has some), name the folders: ``data_prefix=dict(
    img_path='rgb_anon/fog/val_ref', seg_map_path='gt/fog/val_ref')`` and, if not all pictures have one, an ``ann_file``
    with the names of those that do. The rest as :class:`WeatherDataset`.
    """

    TREE = TREES["acdc_reference"]


@DATASETS.register_module()
class DarkZurichDataset(WeatherDataset):
    """Dark Zurich: 50 nights with labels (Sakaridis et al., ICCV 2019); as :class:`WeatherDataset`."""

    TREE = TREES["dark_zurich"]


@DATASETS.register_module()
class NightDrivingDataset(WeatherDataset):
    """Nighttime Driving: 50 nights, split ``test`` (Dai and Van Gool, ITSC 2018); as :class:`WeatherDataset`."""

    TREE = TREES["night_driving"]


@DATASETS.register_module()
class MUSESDataset(WeatherDataset):
    """The frame camera of MUSES: four weathers by day and by night (ECCV 2024); as :class:`WeatherDataset`."""

    TREE = TREES["muses"]


@DATASETS.register_module()
class BDD100KDataset(WeatherDataset):
    """BDD100K's 10 000 pictures with labels, in all weathers (Yu et al., CVPR 2020); as :class:`WeatherDataset`.

    The set has no folders of conditions.
    """

    TREE = TREES["bdd100k"]
