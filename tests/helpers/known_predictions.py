"""Predictions that are plain functions of a picture, whatever framework hands it over: scores without a network."""

import numpy as np

from mmfan import picture_files
from mmfan.datasets.coco_annotations import read_annotations


def label_by_colour(rgb):
    """A class for each pixel, by its red and green: (H, W) int64, 0 to 18."""
    return (rgb[..., 0].astype(np.int64) * 3 + rgb[..., 1]) % 19


class Peeker:
    """Finds the picture that it most resembles, and errs about its objects by as much as the pixels say.

    Args:
        images: Folder of the pictures.
        annotations: Their annotations.
    """

    def __init__(self, images, annotations):
        content = read_annotations(str(annotations))
        places = {category["id"]: place for place, category in enumerate(content["categories"])}
        self.clean, self.objects = [], []
        for entry in content["images"]:
            self.clean.append(picture_files.read(f"{images}/{entry['file_name']}")[..., ::-1].astype(float))
            own = [one for one in content["annotations"] if one["image_id"] == entry["id"] and not one["iscrowd"]]
            boxes = np.array([one["bbox"] for one in own], float).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            self.objects.append((boxes, np.array([places[one["category_id"]] for one in own], int)))

    def __call__(self, rgb):
        """Boxes, scores, labels and masks (the boxes themselves, filled), in NumPy."""
        flat = rgb.astype(float) - rgb.mean()
        likeness = [float((flat * (clean - clean.mean())).sum() / (clean.std() + 1e-9)) for clean in self.clean]
        boxes, labels = self.objects[int(np.argmax(likeness))]
        rng = np.random.default_rng(int(rgb.sum()))
        boxes = (boxes + np.tile(rng.integers(-2, 3, (len(boxes), 2)), 2)).astype(np.float32)
        masks = np.zeros((len(boxes), *rgb.shape[:2]), bool)
        for mask, (left, top, right, bottom) in zip(masks, boxes.clip(0).round().astype(int), strict=True):
            mask[top:bottom, left:right] = True
        scores = rng.random(len(boxes)).astype(np.float32)
        return {"xyxy": boxes, "scores": scores, "labels": labels, "masks": masks}
