"""Hooks that write a model's predictions while it is tested."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from numpy.typing import NDArray

from mmfan.apis.inference import read_picture
from mmfan.apis.libraries import is_robustness_loop
from mmfan.apis.outputs.coco_results import NAMES, CocoResults, categories_of
from mmfan.apis.outputs.label_ids import IDS, written_ids
from mmfan.apis.outputs.seen_pictures import as_rgb, keep_pictures, take_pictures
from mmfan.errors import ConfigError, MMFanError
from mmfan.utils.commands import command_name
from mmfan.utils.files import write_whole
from mmfan.visualization.coco_results import as_coco_results
from mmfan.visualization.detections import detections_of, mask_scores_of, paint_detections
from mmfan.visualization.files import save_picture
from mmfan.visualization.overlays import overlay


def check_one_prediction(cfg: Config) -> None:
    """See that the test of a config makes one prediction a picture, which can be written under its name.

    Raises:
        ConfigError: It makes one for every corruption, and each would overwrite the one before.
    """
    if is_robustness_loop((cfg.get("test_cfg") or {}).get("type")):
        raise ConfigError(
            "--out and --show-dir write one prediction a picture, and this config's RobustnessLoop makes one for every "
            f"corruption: use `pictures=N` of the loop, or `{command_name('judge')}` with --pictures N."
        )


class PredictionWriter(Hook):
    """Writes what a segmentor or detector predicts for every tested picture, and a painted form of the picture.

    It serves any evaluator. (Evaluators of mmseg accept an output folder too, but only some use it.)

    Args:
        out: Folder for predictions. Of a segmentor: label maps as PNG, one 8-bit channel, named like the picture. Of a
            detector: all its objects in COCO's results files, ``results.bbox.json`` and with masks
            ``results.segm.json``, and those of each picture as JSON, named like it.
        show_dir: Folder for pictures, as PNG, with the prediction painted over them, without a legend. They are the
            pictures that the model was given, at their own size: corrupted where the dataset or its pipeline does so.
        opacity: Weight of the colours in a painted picture, between 0 and 1.
        threshold: Least score of an object that is painted.
        ids: Numbers in label maps: ``'label'``, the label ids of Cityscapes (0 to 33), ``'train'``, the numbers that
            the model gives; None for what the set's own evaluation takes: see :mod:`mmfan.apis.outputs.label_ids`.

    Raises:
        NotADirectoryError: A folder cannot be made because a file has its name.
        MMFanError: There are no such ids; or, as the test begins, the set's classes have none.
    """

    priority = "LOW"

    def __init__(
        self,
        out: str | Path | None = None,
        show_dir: str | Path | None = None,
        opacity: float = 0.5,
        threshold: float = 0.3,
        ids: str | None = None,
    ) -> None:
        if ids not in (None, *IDS):
            raise MMFanError(f"Expected ids to be one of {IDS} or None, got {ids!r}.")
        self.out = None if out is None else Path(out)
        self.show_dir = None if show_dir is None else Path(show_dir)
        self.opacity = opacity
        self.threshold = threshold
        self.ids = ids
        self.written: dict[str, str] = {}
        self._note = ""
        self._results: CocoResults | None = None
        self._categories: list[int] | None = None
        self._seen: dict[str, NDArray[np.uint8]] = {}
        self._told = False
        for folder in filter(None, (self.out, self.show_dir)):
            if folder.exists() and not folder.is_dir():
                raise NotADirectoryError(f"Expected a folder to write predictions to, got the file {folder}.")
            folder.mkdir(parents=True, exist_ok=True)

    def before_test(self, runner: Runner) -> None:
        """Find what would fail later, and have the dataset hand on its pictures."""
        dataset = runner.test_dataloader.dataset
        written_ids(self.ids, dataset.metainfo)
        if self.show_dir is not None:
            keep_pictures(dataset)

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Take the pictures of a batch."""
        self._seen = take_pictures(data_batch) if self.show_dir is not None else {}

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Write the predictions of one batch."""
        for sample in outputs or ():
            dataset = runner.test_dataloader.dataset
            if "pred_sem_seg" in sample:
                self._write_labels(sample, dataset.metainfo)
            elif "pred_instances" in sample:
                self._write_objects(sample, dataset)
            else:
                raise MMFanError(
                    "--out and --show-dir write label maps or objects, and this config's model gives neither: "
                    f"{sorted(sample.keys())}."
                )

    def _write_labels(self, sample: Any, meta: Mapping[str, Any]) -> None:
        labels = sample.pred_sem_seg.data.squeeze().cpu().numpy().astype(np.uint8)
        name = self._name(sample.img_path)
        if self.out is not None:
            ids = written_ids(self.ids, meta, bool(sample.get("reduce_zero_label")))
            self._note = f": {ids.told}"
            save_picture(self.out / name, ids.table[labels])
        if self.show_dir is not None:
            picture = self._picture(sample.img_path, labels.shape)
            save_picture(self.show_dir / name, overlay(picture, labels, meta["palette"], self.opacity))

    def _write_objects(self, sample: Any, dataset: Any) -> None:
        name = self._name(sample.img_path)
        if self.out is not None:
            if self._results is None:
                self._results, self._categories = CocoResults(self.out), categories_of(dataset)
            number = sample.get("img_id")
            if number is None:
                raise MMFanError("The samples have no `img_id`: name it in the meta_keys of the packing step.")
            objects = as_coco_results(detections_of(sample), number, self._categories)
            write_whole((self.out / name).with_suffix(".json"), (json.dumps(objects) + "\n").encode())
            self._results.add(number, sample.img_path, objects, mask_scores_of(sample))
        if self.show_dir is not None:
            picture = self._picture(sample.img_path, sample.ori_shape[:2])
            found = detections_of(sample, self.threshold)
            save_picture(self.show_dir / name, paint_detections(picture, found, dataset.metainfo, self.opacity))

    def _picture(self, path: str, size: tuple[int, ...]) -> NDArray[np.uint8]:
        """What the model was given for a file, in RGB; where that is not known, the file."""
        image = self._seen.pop(path, None)
        if image is None:
            image = read_picture(path)
            if not self._told:
                print_log("The pictures painted are those of the files: what the pipeline made of them is not known.",
                          logger="current", level=logging.WARNING)  # fmt: skip
            self._told = True
        return as_rgb(image, (size[0], size[1]))

    def _name(self, picture: str) -> str:
        name = f"{Path(picture).stem}.png"
        if f"{Path(picture).stem}.json" in NAMES.values():
            raise MMFanError(f"The objects of {picture} would be written as a results file; rename the picture.")
        if self.written.setdefault(name, picture) != picture:
            raise MMFanError(
                f"Two pictures would be written as {name}: {self.written[name]} and {picture}. Test them apart."
            )
        return name

    def after_test(self, runner: Runner) -> None:
        """Write COCO's results files, and say where all is."""
        for what, folder, note in (("predictions", self.out, self._note), ("painted pictures", self.show_dir, "")):
            if folder is not None:
                runner.logger.info(f"{len(self.written)} {what} of this process are in {folder}{note}")
        if self._results is not None:
            numbers = "classes, from 0" if self._categories is None else "the categories of the annotation file"
            for file in self._results.finish():
                runner.logger.info(f"All objects are in {file}, in COCO's form, with the numbers of {numbers}")
