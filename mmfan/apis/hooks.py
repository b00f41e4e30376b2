"""Hooks that write a model's predictions while it is tested."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfan.apis.inference import read_picture
from mmfan.errors import ConfigError, MMFanError
from mmfan.utils.commands import command_name
from mmfan.utils.files import write_whole
from mmfan.visualization.detections import as_coco_results, detections_of, paint_detections
from mmfan.visualization.files import save_picture
from mmfan.visualization.overlays import overlay


def check_one_prediction(cfg: Config) -> None:
    """See that the test of a config makes one prediction a picture, which can be written under its name.

    Raises:
        ConfigError: It makes one for every corruption, and each would overwrite the one before.
    """
    if "RobustnessLoop" in str((cfg.get("test_cfg") or {}).get("type")):
        raise ConfigError(
            "--out and --show-dir write one prediction a picture, and this config's RobustnessLoop makes one for every "
            f"corruption: use `pictures=N` of the loop, or `{command_name('judge')}` with --pictures N."
        )


class PredictionWriter(Hook):
    """Writes what a segmentor or detector predicts for every tested picture, and a painted form of the picture.

    It serves any evaluator. (Evaluators of mmseg accept an output folder too, but only some use it.)

    Args:
        out: Folder for predictions, named like the picture. Of a segmentor: label maps as PNG, one 8-bit channel, class
            numbers as the model gives them. Of a detector: all its objects as JSON, a list in the form of COCO's result
            files.
        show_dir: Folder for pictures, as PNG, with the prediction painted over them, without a legend.
        opacity: Weight of the colours in a painted picture, between 0 and 1.
        threshold: Least score of an object that is painted.

    Raises:
        NotADirectoryError: A folder cannot be made because a file has its name.
    """

    priority = "LOW"

    def __init__(
        self,
        out: str | Path | None = None,
        show_dir: str | Path | None = None,
        opacity: float = 0.5,
        threshold: float = 0.3,
    ) -> None:
        self.out = None if out is None else Path(out)
        self.show_dir = None if show_dir is None else Path(show_dir)
        self.opacity = opacity
        self.threshold = threshold
        self.written: dict[str, str] = {}
        for folder in filter(None, (self.out, self.show_dir)):
            if folder.exists() and not folder.is_dir():
                raise NotADirectoryError(f"Expected a folder to write predictions to, got the file {folder}.")
            folder.mkdir(parents=True, exist_ok=True)

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
                self._write_labels(sample, dataset)
            elif "pred_instances" in sample:
                self._write_objects(sample, dataset)
            else:
                raise MMFanError(
                    "--out and --show-dir write label maps or objects, and this config's model gives neither: "
                    f"{sorted(sample.keys())}."
                )

    def _write_labels(self, sample: Any, dataset: Any) -> None:
        labels = sample.pred_sem_seg.data.squeeze().cpu().numpy().astype(np.uint8)
        name = self._name(sample.img_path)
        if self.out is not None:
            # Sets without a class for the rest (ADE20K) number their files from 1.
            save_picture(self.out / name, labels + 1 if sample.get("reduce_zero_label") else labels)
        if self.show_dir is not None:
            picture = read_picture(sample.img_path)[..., ::-1]
            save_picture(self.show_dir / name, overlay(picture, labels, dataset.metainfo["palette"], self.opacity))

    def _write_objects(self, sample: Any, dataset: Any) -> None:
        name = self._name(sample.img_path)
        if self.out is not None:
            results = as_coco_results(detections_of(sample), sample.img_id, getattr(dataset, "cat_ids", None))
            write_whole((self.out / name).with_suffix(".json"), (json.dumps(results) + "\n").encode())
        if self.show_dir is not None:
            picture = read_picture(sample.img_path)[..., ::-1]
            found = detections_of(sample, self.threshold)
            save_picture(self.show_dir / name, paint_detections(picture, found, dataset.metainfo, self.opacity))

    def _name(self, picture: str) -> str:
        name = f"{Path(picture).stem}.png"
        if self.written.setdefault(name, picture) != picture:
            raise MMFanError(
                f"Two pictures would be written as {name}: {self.written[name]} and {picture}. Test them apart."
            )
        return name

    def after_test(self, runner: Runner) -> None:
        """Say where the files are."""
        for what, folder in (("predictions", self.out), ("painted pictures", self.show_dir)):
            if folder is not None:
                runner.logger.info(f"{len(self.written)} {what} of this process are in {folder}")
