"""Survey of a plan's target: what is there, what is still to be made, and how much room it takes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass

from mmfan.datasets.corrupted.codec import is_whole, picture_size
from mmfan.datasets.corrupted.making.plan import Plan
from mmfan.datasets.corrupted.making.worker import Unit
from mmfan.datasets.corrupted.manifest import Ledger
from mmfan.datasets.corrupted.record import check_record

# Size of a corrupted picture as a share of its pixels' bytes, a little above the mean over all types and severities:
# measured on photographs of 2048x1024 as PNG 0.48 (gaussian noise 0.97, strong contrast loss 0.14), on smaller and
# sharper ones 0.6; as JPEG of quality 95 0.13 to 0.3.
PNG_SHARE = 0.55
JPEG_SHARE = {95: 0.25, 75: 0.12}
SAMPLED = 64  # pictures whose size is looked up
FORMS_OF_UNIT = 8  # more, and an interrupted or full worker would lose much; fewer, and pictures are decoded more often


@dataclass(frozen=True)
class Survey:
    """What of a plan is there.

    Attributes:
        kept: Number of corrupted pictures of this shard that are there and accounted for.
        missing: Index of each clean picture that lacks forms, with the indices of their cells.
        count: Number of corrupted pictures that are missing.
        size: Bytes that they will take, roughly.
        remarks: What a person should know before adding to the set.
        is_new: Whether the set has no record yet.
        ledger: The hashes of what is there.
    """

    kept: int
    missing: tuple[tuple[int, tuple[int, ...]], ...]
    count: int
    size: int
    remarks: tuple[str, ...]
    is_new: bool
    ledger: Ledger

    def units(self, workers: int = 1) -> Iterator[Unit]:
        """The work, picture by picture; in smaller pieces where some workers would else wait for the last ones."""
        pieces = 1 if workers == 1 else math.ceil(4 * workers / max(1, len(self.missing)))
        for picture, cells in self.missing:
            step = min(FORMS_OF_UNIT, math.ceil(len(cells) / pieces))
            for start in range(0, len(cells), step):
                yield Unit(picture, cells[start : start + step])


def survey(plan: Plan) -> Survey:
    """Look at what is there; nothing is written.

    Raises:
        MixedSetError: What is there was made with other settings, from another source, or by something else.
        MMFanError: A record or manifest cannot be read.
    """
    remarks = check_record(plan.target, plan.record, plan.folders.values())
    ledger = Ledger(plan.target, plan.record, plan.listing, plan.folders, plan.shard.label)
    kept, missing = 0, []
    for index in plan.own:
        place = plan.listing.pictures[index].place
        absent = []
        for at, (cell, folder) in enumerate(plan.folders.items()):
            if place not in ledger.known[cell] or not is_whole(os.path.join(folder, place), plan.record.format):
                ledger.forget(cell, place)
                absent.append(at)
        kept += len(plan.cells) - len(absent)
        if absent:
            missing.append((index, tuple(absent)))
    count = sum(len(absent) for _, absent in missing)
    size = count * _bytes_a_picture(plan, [index for index, _ in missing])
    return Survey(kept, tuple(missing), count, size, tuple(remarks or ()), remarks is None, ledger)


def _bytes_a_picture(plan: Plan, pictures: list[int]) -> int:
    """Mean size of a corrupted picture to be expected, from the headers of some clean ones."""
    step = max(1, len(pictures) // SAMPLED)
    sizes = [picture_size(plan.listing.pictures[index].path) for index in pictures[::step]]
    pixels = [width * height for width, height in filter(None, sizes)]
    if not pixels:
        return 0
    quality = plan.record.quality
    share = (
        PNG_SHARE
        if quality is None
        else next((share for least, share in JPEG_SHARE.items() if quality >= least), min(JPEG_SHARE.values()))
    )
    return math.ceil(3 * share * sum(pixels) / len(pixels))
