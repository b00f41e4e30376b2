"""COCO-C: one corruption at one severity, with the boxes and masks of the clean set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmfan.datasets.cell_dataset import CellSource, OneCell, samples_of_cell
from mmfan.datasets.coco import CocoDataset


class CocoCDataset(OneCell, CocoDataset):
    """The annotations of COCO with the pictures of one cell of COCO-C.

    Takes the arguments of the clean set, unchanged, and what to do to its pictures::

        dict(
            type="mmfan.CocoCDataset",
            corruption="fog",
            severity=3,
            data_root="data/coco",
            ann_file="annotations/instances_val2017.json",
            data_prefix=dict(img="val2017/"),
            test_mode=True,
            pipeline=test_pipeline,
        )

    so that any config is tested on one cell with ``--cfg-options test_dataloader.dataset.type=mmfan.CocoCDataset
    test_dataloader.dataset.corruption=fog test_dataloader.dataset.severity=3``. The trees::

        data/coco/annotations/instances_val2017.json
        data/coco/val2017/<id, 12 digits>.jpg                                 needed for 'clean' and on the fly
        data/coco_c/<corruption>/<severity>/val2017/<id, 12 digits>.png (or .jpg)

    A set of one's own, whose pictures are not in a folder like ``val2017``, counts as a plain folder, that of
    ``data_prefix['img']``; its corrupted pictures are ``<corrupted_root>/<corruption>/<severity>/<same path>``.

    The metainfo of the data samples says ``corruption``, ``severity`` and ``corruption_seed``; with pictures from disk
    the sample also has ``clean_img_path``.

    Args:
        corruption: Name of one corruption, or ``'clean'`` for the clean pictures.
        severity: 1 to 5; 0 for ``'clean'``.
        source: ``'disk'`` reads the files of the corrupted set; ``'fly'`` corrupts each picture after the step of the
            pipeline that loads it, with the same bytes, and needs no corrupted set. The bytes are the same where the
            step decodes with OpenCV, as it does if nothing else is asked for: decoders of JPEG differ a little.
        corrupted_root: Root of the corrupted set, by ``source='disk'``; ``None`` for that of the clean set with ``_c``
            at its end.
        seed: Base seed of the set; ``None`` for that of the set on disk, and 0 on the fly.
        **kwargs: As :class:`mmfan.CocoDataset`.

    Raises:
        FileNotFoundError: A picture that the annotations name is missing; the message says which and how to make it.
            With ``lazy_init=True`` this comes from ``full_init``.
        ValueError: :class:`mmfan.CocoDataset` refuses the annotations; there is no such corruption or severity; the set
            on disk was made with another seed; the pipeline loads no picture, or corrupts by itself.
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

    def filter_data(self) -> list[dict]:
        """Leave out what ``filter_cfg`` says, and take the pictures of the cell.

        The last step at which all samples are at hand: proposals, which are looked up by the path of the clean picture,
        have been read by then.
        """
        return samples_of_cell(super().filter_data(), self.cell, self.data_prefix["img"] or ".", self.backend_args)

    def check_samples(self, samples: Sequence[dict]) -> None:
        """Check that the clean pictures are there, where they are needed."""
        if self.cell.is_clean or self.cell.source == "fly":
            super().check_samples(samples)
