"""Pictures unlike COCO with COCO's classes, for detectors: COCO-O's six domains, and ExDark's darkness."""

from __future__ import annotations

from typing import Any

from mmfan.datasets.coco import CocoDataset
from mmfan.datasets.prepare import coco_o, exdark


class CocoODataset(CocoDataset):
    """One domain of COCO-O, with the 80 classes of COCO (Mao et al., ICCV 2023, arXiv 2307.12730).

    The tree, below ``data_root``::

        <domain>/annotations/instances_val2017.json
        <domain>/val2017/<picture>

    Args:
        domain: ``'cartoon'``, ``'handmake'``, ``'painting'``, ``'sketch'``, ``'tattoo'`` or ``'weather'``.
        **kwargs: As :class:`mmfan.CocoDataset`; ``ann_file`` and ``data_prefix`` follow the domain.

    Raises:
        MMFanError: There is no such domain; the rest as :class:`mmfan.CocoDataset`.
    """

    def __init__(self, *args: Any, domain: str, **kwargs: Any) -> None:
        coco_o.check_domain(domain)
        kwargs["ann_file"] = coco_o.annotation_file(domain)
        kwargs["data_prefix"] = {"img": f"{coco_o.picture_folder(domain)}/"}
        super().__init__(*args, **kwargs)


class ExDarkDataset(CocoDataset):
    """A split of ExDark in the form that ``mmfan prepare weather exdark`` gives it (CVIU 2019, arXiv 1805.11227).

    Its classes are the 80 of COCO, of which 12 occur, so a detector of COCO is judged as it is. For a model of these 12
    set ``metainfo=dict(classes=('person', 'bicycle', 'car', 'motorcycle', 'bus', 'boat', 'cat', 'dog', 'bottle',
    'cup', 'chair', 'dining table'))``.

    Args:
        split: ``'train'``, ``'val'`` or ``'test'``.
        **kwargs: As :class:`mmfan.CocoDataset`; ``ann_file`` and ``data_prefix`` follow the split.

    Raises:
        MMFanError: There is no such split; the rest as :class:`mmfan.CocoDataset`.
    """

    def __init__(self, *args: Any, split: str = "test", **kwargs: Any) -> None:
        exdark.check_split(split)
        kwargs["ann_file"] = exdark.annotation_file(split)
        kwargs["data_prefix"] = {"img": f"{exdark.PICTURES}/"}
        super().__init__(*args, **kwargs)
