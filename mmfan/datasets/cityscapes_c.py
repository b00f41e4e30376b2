"""Cityscapes-C: one corruption at one severity, with the labels of the clean set."""

from __future__ import annotations

from typing import Any

from mmfan.datasets.cell_dataset import CellSource, OneCell, samples_of_cell
from mmfan.datasets.cityscapes import CityscapesDataset
from mmfan.registry import DATASETS


@DATASETS.register_module()
class CityscapesCDataset(OneCell, CityscapesDataset):
    """The labels of Cityscapes with the pictures of one cell of Cityscapes-C.

    Takes the arguments of the clean set, unchanged, and what to do to its pictures::

        dict(
            type="mmfan.CityscapesCDataset",
            corruption="fog",
            severity=3,
            data_root="data/cityscapes",
            data_prefix=dict(img_path="leftImg8bit/val", seg_map_path="gtFine/val"),
            pipeline=test_pipeline,
        )

    so that any config is tested on one cell with ``--cfg-options test_dataloader.dataset.type=mmfan.CityscapesCDataset
    test_dataloader.dataset.corruption=fog test_dataloader.dataset.severity=3``. The trees::

        data/cityscapes/leftImg8bit/val/<city>/<name>_leftImg8bit.png
        data/cityscapes/gtFine/val/<city>/<name>_gtFine_labelTrainIds.png
        data/cityscapes_c/leftImg8bit/<corruption>/<severity>/val/<city>/<name>_leftImg8bit.png (or .jpg)

    A clean set whose pictures are not below ``leftImg8bit`` counts as a plain folder, that of
    ``data_prefix['img_path']``; its corrupted pictures are ``<corrupted_root>/<corruption>/<severity>/<same path>``.

    Samples come in the order of the clean set. Their metainfo says ``corruption``, ``severity`` and
    ``corruption_seed``; with pictures from disk the sample also has ``clean_img_path``.

    Args:
        corruption: Name of one corruption, or ``'clean'`` for the clean pictures.
        severity: 1 to 5; 0 for ``'clean'``.
        source: ``'disk'`` reads the files of the corrupted set; ``'fly'`` corrupts each picture after the step of the
            pipeline that loads it, with the same bytes, and needs no corrupted set.
        corrupted_root: Root of the corrupted set, by ``source='disk'``; ``None`` for that of the clean set with ``_c``
            at its end.
        seed: Base seed of the set; ``None`` for that of the set on disk, and 0 on the fly.
        **kwargs: As :class:`mmfan.CityscapesDataset`.

    Raises:
        FileNotFoundError: A picture or label of the clean set is missing, or the corrupted form of a picture; the
            message says which and how to make it. With ``lazy_init=True`` this comes from ``full_init``.
        ValueError: There is no such corruption or severity; the set on disk was made with another seed; the pipeline
            loads no picture, or corrupts by itself.
    """

    def __init__(
        self,
        *,
        corruption: str,
        severity: int,
        source: str = "disk",
        corrupted_root: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.cell = CellSource(corruption, severity, source, corrupted_root, seed)
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """List the samples of the clean set, with the pictures of the cell."""
        return samples_of_cell(
            super().load_data_list(), self.cell, self.data_prefix["img_path"] or ".", self.backend_args
        )
