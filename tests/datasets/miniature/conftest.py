"""One miniature set for all tests here: the standard set's whole val split and the first part of its train split."""

import cv2
import numpy as np
import pytest

from mmfan.datasets.miniature import write_cityscapes


class MiniSet:
    """A set on disk, read picture by picture."""

    def __init__(self, root):
        self.root = root

    def files(self, split, kind="labelIds"):
        return sorted((self.root / "gtFine" / split).glob(f"*/*_gtFine_{kind}.png"))

    def read(self, path):
        return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

    def image_of(self, label_file):
        name = label_file.name.split("_gtFine_")[0]
        folder = self.root / "leftImg8bit" / label_file.parent.relative_to(self.root / "gtFine")
        return self.read(folder / f"{name}_leftImg8bit.png")

    def counts(self, split):
        """Pixels of each train id in each picture, shape (pictures, 256)."""
        return np.array([np.bincount(self.read(f).ravel(), minlength=256) for f in self.files(split, "labelTrainIds")])


@pytest.fixture(scope="session")
def mini_set(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets") / "mini"
    write_cityscapes(root, train=44, val=40)
    return MiniSet(root)
