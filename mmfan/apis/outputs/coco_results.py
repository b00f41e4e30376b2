"""COCO's results files of a tested detector, ``results.bbox.json`` and ``results.segm.json``: written as it goes.

One list of objects a file, as pycocotools' ``loadRes`` and the evaluation server take it. A picture's objects go to a
file of the process as soon as they are found; the first process joins these at the end, so that memory holds one
picture's, however large the set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from mmengine.dist import all_gather_object, is_main_process

from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.errors import MMFanError
from mmfan.utils.files import naming, part_of, whole_file

NAMES = {"bbox": "results.bbox.json", "segm": "results.segm.json"}


def categories_of(dataset: Any) -> list[int] | None:
    """The category numbers of a dataset's classes, in the annotation file, inside wrappers too.

    Returns:
        None for sets without such numbers, which are not in COCO's form.

    Raises:
        MMFanError: Sets that are joined number their categories differently.
    """
    found = [getattr(inner, "cat_ids", None) for inner in innermost_datasets(dataset)]
    numbers = [None if ids is None else [int(one) for one in ids] for ids in found]
    for other in numbers[1:]:
        if other != numbers[0]:
            raise MMFanError(
                f"The sets that are joined number their categories differently, {numbers[0]} and {other}: no results "
                "file can hold both. Test them one by one."
            )
    return numbers[0]


class CocoResults:
    """The results files of one test, in one of its processes.

    Args:
        folder: Where they go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pictures: dict[Any, str] = {}
        self._parts: dict[str, tuple[Path, IO[str]]] = {}

    def add(
        self, image_id: Any, picture: str, objects: Sequence[dict[str, Any]], mask_scores: Iterable[float] | None = None
    ) -> None:
        """Take in the objects of a picture; one that comes again (in a set that repeats it) counts once.

        Args:
            image_id: Its number.
            picture: Its path.
            objects: As :func:`mmfan.visualization.coco_results.as_coco_results` gives them.
            mask_scores: Of each object's mask; None from a model without masks.

        Raises:
            MMFanError: Another picture has the same number.
        """
        if image_id in self._pictures:
            _check_same(image_id, self._pictures[image_id], picture)
            return
        self._pictures[image_id] = picture
        boxes = [{key: value for key, value in one.items() if key != "segmentation"} for one in objects]
        self._write("bbox", image_id, picture, boxes)
        if mask_scores is not None:
            # with a box in it, pycocotools would take the box's area for that of the mask
            masks = [{key: value for key, value in one.items() if key != "bbox"} for one in objects]
            scored = [{**mask, "score": float(score)} for mask, score in zip(masks, mask_scores, strict=True)]
            self._write("segm", image_id, picture, scored)

    def _write(self, kind: str, image_id: Any, picture: str, entries: list[dict[str, Any]]) -> None:
        with naming(self.folder / NAMES[kind]):  # a full disk
            if kind not in self._parts:
                part = part_of(self.folder / f"{kind}.jsonl")
                self._parts[kind] = part, open(part, "w", encoding="utf-8")  # noqa: SIM115 - closed by `finish`
            self._parts[kind][1].write(json.dumps([image_id, picture, entries]) + "\n")

    def finish(self) -> list[Path]:
        """Write the files, whole, from what all processes found; called by all of them.

        Returns:
            Those written, in the first process; in the others none.

        Raises:
            MMFanError: Two processes had different pictures of one number.
        """
        for _, stream in self._parts.values():
            stream.close()
        gathered = all_gather_object({kind: str(part) for kind, (part, _) in self._parts.items()})
        if not is_main_process():
            return []
        written = []
        try:
            for kind, name in NAMES.items():
                parts = [Path(one[kind]) for one in gathered if kind in one]
                if parts:
                    written.append(self.folder / name)
                    with whole_file(written[-1]) as target:
                        _join(parts, target)
        finally:
            for one in gathered:
                for part in one.values():
                    Path(part).unlink(missing_ok=True)
        return written


def _join(parts: Sequence[Path], target: Path) -> None:
    """One JSON list of the entries in the lines of some files; a line's picture counts once."""
    with open(target, "w", encoding="utf-8") as out:
        before = "[\n"
        for entry in _entries(parts):
            out.write(before + json.dumps(entry))
            before = ",\n"
        out.write("[]\n" if before == "[\n" else "\n]\n")


def _entries(parts: Sequence[Path]) -> Iterator[dict[str, Any]]:
    pictures: dict[Any, str] = {}
    for part in parts:
        with open(part, encoding="utf-8") as lines:
            for line in lines:
                image_id, picture, entries = json.loads(line)
                if image_id in pictures:  # samplers fill up the last round of the processes with pictures of the first
                    _check_same(image_id, pictures[image_id], picture)
                    continue
                pictures[image_id] = picture
                yield from entries


def _check_same(image_id: Any, one: str, other: str) -> None:
    if one != other:
        raise MMFanError(
            f"Two pictures have the number {image_id}, {one} and {other}: a results file cannot tell them apart. Test "
            "the sets that are joined one by one."
        )
