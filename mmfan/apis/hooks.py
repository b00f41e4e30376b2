"""Writing what a model predicts while it is tested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfan.apis.inference import read_picture
from mmfan.visualization.files import save_picture
from mmfan.visualization.overlay import overlay


class PredictionWriter(Hook):
    """Writes every tested picture's label map, and a painted form of the picture, as PNG.

    It serves any evaluator. (Evaluators of mmseg accept an output folder too, but only some use it.)

    Args:
        out: Folder for label maps: one 8-bit channel, class numbers as the model gives them, named like the picture.
        show_dir: Folder for pictures with the prediction painted over them, without a legend.
        opacity: Weight of the colours in a painted picture, between 0 and 1.

    Raises:
        NotADirectoryError: A folder cannot be made because a file has its name.
    """

    priority = "LOW"

    def __init__(self, out: str | Path | None = None, show_dir: str | Path | None = None, opacity: float = 0.5) -> None:
        self.out = None if out is None else Path(out)
        self.show_dir = None if show_dir is None else Path(show_dir)
        self.opacity = opacity
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
            if "pred_sem_seg" not in sample:
                raise ValueError("--out and --show-dir write label maps, and this config's model gives none.")
            labels = sample.pred_sem_seg.data.squeeze().cpu().numpy().astype(np.uint8)
            name = self._name(sample.img_path)
            if self.out is not None:
                # Sets without a class for the rest (ADE20K) number their files from 1.
                save_picture(self.out / name, labels + 1 if sample.get("reduce_zero_label") else labels)
            if self.show_dir is not None:
                palette = runner.test_dataloader.dataset.metainfo["palette"]
                picture = read_picture(sample.img_path)[..., ::-1]
                save_picture(self.show_dir / name, overlay(picture, labels, palette, self.opacity))

    def _name(self, picture: str) -> str:
        name = f"{Path(picture).stem}.png"
        if self.written.setdefault(name, picture) != picture:
            raise ValueError(
                f"Two pictures would be written as {name}: {self.written[name]} and {picture}. Test them apart."
            )
        return name

    def after_test(self, runner: Runner) -> None:
        """Say where the files are."""
        for what, folder in (("label maps", self.out), ("painted pictures", self.show_dir)):
            if folder is not None:
                runner.logger.info(f"{len(self.written)} {what} of this process are in {folder}")
