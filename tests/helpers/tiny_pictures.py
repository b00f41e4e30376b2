"""A few small pictures with label maps, and a model that nearly knows them: what judging a callable is tried on."""

import numpy as np
from PIL import Image

from mmfan import SegmentationData
from mmfan import judge as judge_anything
from mmfan.evaluation.results.store import key_of

CLASSES = ["sky", "road", "car"]
PROTOCOL = {"corruptions": ["contrast", "brightness"], "severities": [1, 5]}
CELLS = [("clean", 0), ("contrast", 1), ("contrast", 5), ("brightness", 1), ("brightness", 5)]
SIZE = (40, 48)  # height, width


def pairs(count=3):
    """Pictures (H, W, 3) and label maps (H, W); sky is bright, the road grey, the car dark, a strip is not labelled."""
    rng = np.random.default_rng(0)
    for number in range(count):
        label = np.full(SIZE, 0, np.uint8)
        label[20:] = 1
        label[24:34, 4 * number : 4 * number + 14] = 2
        picture = np.array([200, 110, 30])[label][..., None] + rng.integers(-25, 26, (*SIZE, 3))
        label[:2] = 255
        yield picture.astype(np.uint8), label


def by_brightness(rgb):
    """Class numbers by how bright a pixel is."""
    grey = rgb.mean(axis=2)
    return np.where(grey > 155, 0, np.where(grey > 70, 1, 2))


def write_folders(root, count=3):
    """``images/street/N.png`` and ``labels/street/N.png``; returns both folders."""
    for number, (picture, label) in enumerate(pairs(count)):
        for kind, array in (("images", picture), ("labels", label)):
            folder = root / kind / "street"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(folder / f"{number}.png")
    return root / "images", root / "labels"


def street_set(root):
    """The pictures as the set ``street`` of ``judge``, written to a folder."""
    return SegmentationData(*write_folders(root), CLASSES, name="street")


def judge(predict, data, results=None, name="mine", **more):
    """Judge on a small protocol, in this process, without a word."""
    settings = {"protocol": PROTOCOL, "workers": 0, "verbose": False, **more}
    return judge_anything(predict, data, **settings, results=results, name=name)


def cells_of(records):
    """Of what each record is."""
    return [tuple(key_of(record)[1]) for record in records]


class Stop(BaseException):
    """As Ctrl-C is."""


def stopping_after(count):
    """A model that is stopped at its call of that number."""
    calls = []

    def predict(rgb):
        calls.append(1)
        if len(calls) > count:
            raise Stop
        return by_brightness(rgb)

    return predict
