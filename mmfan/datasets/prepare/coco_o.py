"""COCO-O: six domains of pictures with COCO's classes; a check of what was unpacked.

Source: Mao et al., "COCO-O: A Benchmark for Object Detectors under Natural Distribution Shifts", ICCV 2023 (arXiv
2307.12730): 6782 pictures, 26624 boxes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mmfan.errors import MMFanError
from mmfan.utils.json_files import read_json
from mmfan.utils.text import shortlist

DOMAINS = ("cartoon", "handmake", "painting", "sketch", "tattoo", "weather")
PICTURES, BOXES = 6782, 26624
ADVICE = (
    f"Expected <domain>/annotations/instances_val2017.json and <domain>/val2017/ for each of {', '.join(DOMAINS)}: get "
    "COCO-O from the page of EasyRobust, https://github.com/alibaba/easyrobust."
)


@dataclass(frozen=True)
class DomainReport:
    """What was found of a domain.

    Attributes:
        domain: Its name.
        pictures: Pictures that its annotations name.
        boxes: Boxes in them.
        missing: Pictures that are not on disk.
    """

    domain: str
    pictures: int
    boxes: int
    missing: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """One sentence for each thing that is wrong."""
        if not self.missing:
            return []
        listed = shortlist(list(self.missing))
        return [f"{self.domain}: {len(self.missing)} of {self.pictures} pictures are missing: {listed}."]


def annotation_file(domain: str) -> str:
    """The annotations of a domain, relative to the root."""
    return f"{domain}/annotations/instances_val2017.json"


def picture_folder(domain: str) -> str:
    """The pictures of a domain, relative to the root."""
    return f"{domain}/val2017"


def check_domain(domain: str) -> None:
    """See that there is a domain of this name.

    Raises:
        MMFanError: There is not.
    """
    if domain not in DOMAINS:
        raise MMFanError(f"COCO-O has the domains {', '.join(DOMAINS)}, got {domain!r}.")


def report_domain(root: str | os.PathLike[str], domain: str) -> DomainReport:
    """Count the pictures and boxes of a domain, and see which pictures are there.

    Raises:
        FileNotFoundError: The annotations are missing.
        MMFanError: They are not in COCO's form.
    """
    check_domain(domain)
    file = Path(root) / annotation_file(domain)
    if not file.is_file():
        raise FileNotFoundError(f"There is no {file.resolve()}. {ADVICE}")
    content = read_json(file, "an annotation file in COCO's form", ADVICE)
    try:
        names = [image["file_name"] for image in content["images"]]
        boxes = len(content["annotations"])
    except (KeyError, TypeError) as error:
        raise MMFanError(f"{file} is not in COCO's form: {error!r} is missing. {ADVICE}") from error
    folder = Path(root) / picture_folder(domain)
    missing = tuple(name for name in names if not (folder / name).is_file())
    return DomainReport(domain, len(names), boxes, missing)
