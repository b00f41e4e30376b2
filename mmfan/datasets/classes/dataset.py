"""``ClassFoldersDataset``: pictures in a folder for each class, as ImageNet has them, for mmengine's Runner."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset

from mmfan.datasets.classes.folders import pictures_of_classes
from mmfan.errors import ConfigError
from mmfan.registry import DATASETS
from mmfan.utils.text import did_you_mean, shortlist


@DATASETS.register_module()
class ClassFoldersDataset(BaseDataset):
    """Pictures of one class each, below ``data_root/data_prefix['img_path']/CLASS/``.

    A sample has ``img_path`` and ``gt_label``, the number of the class. mmpretrain is not needed; its transforms take
    these samples too.

    Args:
        data_root: Folder of the set.
        data_prefix: ``dict(img_path=...)``: the folder with the class folders, below ``data_root``; a text is that
            folder as well.
        metainfo: ``dict(classes=...)``: the names of the classes in the order of their numbers, by default those of the
            folders, sorted. Folders that it does not name are an error, classes without a folder are not.
        dataset_name: Name of the set in results files; by default ``classfolders``.
        **kwargs: ``pipeline``, ``test_mode``, ``lazy_init`` and the like, as mmengine's ``BaseDataset``.

    Raises:
        FileNotFoundError: There is no such folder, or no picture.
        ConfigError: A folder is none of the classes.
    """

    def __init__(
        self,
        data_root: str = "",
        data_prefix: dict[str, str] | str = "",
        metainfo: dict[str, Any] | None = None,
        dataset_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.dataset_name = dataset_name
        prefix = {"img_path": data_prefix} if isinstance(data_prefix, str) else dict(data_prefix)
        super().__init__(
            data_root=os.fspath(data_root), data_prefix=prefix, metainfo=metainfo, ann_file="", **kwargs
        )  # fmt: skip

    def load_data_list(self) -> list[dict[str, Any]]:
        """One sample a picture, sorted by class, then by path; settles the names of the classes.

        Raises:
            FileNotFoundError, ConfigError: As the class says.
        """
        folder = Path(self.data_prefix.get("img_path") or self.data_root)
        if not folder.is_dir():
            raise FileNotFoundError(
                f"The folder {folder.absolute()} does not exist: expected a folder of pictures for each class in it. "
                f"It comes from data_root={self.data_root!r} and data_prefix of the config's data set."
            )
        pairs = pictures_of_classes(folder)
        own = tuple(dict.fromkeys(kind for _, kind in pairs))
        classes = tuple(self._metainfo.get("classes") or own)
        unknown = [name for name in own if name not in classes]
        if unknown:
            raise ConfigError(
                f"The folders {shortlist(unknown, 5)} of {folder} are none of the {len(classes)} classes of the "
                f"config: {shortlist(list(classes), 5)}.{did_you_mean(unknown[0], classes)}"
            )
        self._metainfo["classes"] = classes
        number = {name: place for place, name in enumerate(classes)}
        return [{"img_path": path, "gt_label": number[kind]} for path, kind in pairs]
