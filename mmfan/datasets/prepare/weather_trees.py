"""Trees of the sets of real weather: names and numbers of their files, and the message where they are not there.

Plain Python: the preparation and the dataset classes agree on names through this file. All have the 19 classes of
Cityscapes as train ids. Sources of names and counts: the pages of the sets and the papers named with them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmfan.datasets.prepare.cityscapes_tree import stems_in, unpaired
from mmfan.errors import MMFanError
from mmfan.utils.commands import command_name
from mmfan.utils.text import did_you_mean, shortlist

PREPARE_COMMAND = command_name("prepare weather")


@dataclass(frozen=True)
class Tree:
    """How a set lies on disk.

    Attributes:
        name: What commands call it.
        title: What people call it.
        pictures: Folder of the pictures of a split and a condition, with ``{split}`` and ``{condition}`` in it.
        labels: Folder of their label images, likewise.
        picture_suffix: How the name of a picture ends.
        label_suffix: How the name of its label image ends; what is before is the same.
        conditions: The conditions, as folders; one empty text where the set has no folders for them.
        counts: Split -> how many pictures there are, of each condition, or of all where there is one number.
        labelled: The splits whose labels are public.
        home: Where it is got.
        archives: What is downloaded there.
        source: The paper.
    """

    name: str
    title: str
    pictures: str
    labels: str
    picture_suffix: str
    label_suffix: str
    conditions: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    labelled: tuple[str, ...]
    home: str
    archives: str
    source: str

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that pictures are published of."""
        return tuple(self.counts)

    @property
    def top(self) -> str:
        """The folder that all pictures are below."""
        return self.pictures.split("/", 1)[0]

    def expected(self, split: str, condition: str) -> int | None:
        """How many pictures a condition has in a split; None where only their sum is published."""
        numbers = self.counts[split]
        return numbers[self.conditions.index(condition)] if len(numbers) == len(self.conditions) else None

    def picture_folder(self, split: str, condition: str) -> str:
        """Folder of the pictures, relative to the root of the set."""
        return self.pictures.format(split=split, condition=condition)

    def label_folder(self, split: str, condition: str) -> str | None:
        """Folder of the label images; None where the split has none."""
        return self.labels.format(split=split, condition=condition) if split in self.labelled else None

    def check_split(self, split: str) -> None:
        """See that the set has a split.

        Raises:
            MMFanError: It has not.
        """
        if split not in self.counts:
            raise MMFanError(f"{self.title} has the splits {', '.join(self.splits)}, got {split!r}.")

    def chosen(self, condition: str | None) -> tuple[str, ...]:
        """The conditions that a name stands for: all for None, else that one, or those in a folder of this name.

        Raises:
            MMFanError: There is none of that name.
        """
        found = tuple(c for c in self.conditions if condition is None or c == condition or condition in c.split("/"))
        if not found:
            known = [name for name in self.conditions if name]
            raise MMFanError(
                f"{self.title} has "
                + (f"the conditions {', '.join(known)}" if known else "no folders of conditions")
                + f", got {condition!r}.{did_you_mean(condition, known)}"
            )
        return found

    def advice(self, root: str | os.PathLike[str] = "ROOT") -> str:
        """How the tree must look below ``root`` and how to come by one."""
        named = {"split": f"{{{','.join(self.splits)}}}", "condition": f"{{{','.join(self.conditions)}}}"}
        labelled = named | {"split": f"{{{','.join(self.labelled)}}}"}
        return (
            "The tree must look like this (pictures may lie in folders below):\n"
            f"  {root}/{self.pictures.format(**named)}/*{self.picture_suffix}\n"
            f"  {root}/{self.labels.format(**labelled)}/*{self.label_suffix}\n"
            f"{self.title} is at {self.home}: unpack {self.archives} into {root}; "
            f"`{PREPARE_COMMAND} {self.name} {root}` counts whether it is complete."
        )


_ACDC = Tree(
    name="acdc",
    title="ACDC",
    pictures="rgb_anon/{condition}/{split}",
    labels="gt/{condition}/{split}",
    picture_suffix="_rgb_anon.png",
    label_suffix="_gt_labelTrainIds.png",
    conditions=("fog", "night", "rain", "snow"),
    counts={"train": (400,) * 4, "val": (100, 106, 100, 100), "test": (500,) * 4},
    labelled=("train", "val"),
    home="https://acdc.vision.ee.ethz.ch (after registration; non-commercial)",
    archives="rgb_anon_trainvaltest.zip and gt_trainval.zip",
    source="Sakaridis et al., ICCV 2021 (arXiv 2104.13395)",
)
# the same places in good weather; labels of some of them came later
_ACDC_REFERENCE = replace(
    _ACDC,
    name="acdc_reference",
    pictures="rgb_anon/{condition}/{split}_ref",
    labels="gt/{condition}/{split}_ref",
    picture_suffix="_rgb_ref_anon.png",
    label_suffix="_gt_ref_labelTrainIds.png",
    labelled=(),
    archives="rgb_anon_trainvaltest.zip",
)

TREES: dict[str, Tree] = {
    tree.name: tree
    for tree in (
        _ACDC,
        _ACDC_REFERENCE,
        Tree(
            name="dark_zurich",
            title="Dark Zurich",
            pictures="rgb_anon/{split}/{condition}",
            labels="gt/{split}/{condition}",
            picture_suffix="_rgb_anon.png",
            label_suffix="_gt_labelTrainIds.png",
            conditions=("night",),
            counts={"val": (50,), "test": (151,)},
            labelled=("val",),
            home="https://www.trace.ethz.ch/publications/2019/GCMA_UIoU",
            archives="Dark_Zurich_val_anon.zip",
            source="Sakaridis et al., ICCV 2019 (arXiv 1901.05946)",
        ),
        Tree(
            name="night_driving",
            title="Nighttime Driving",
            pictures="leftImg8bit/{split}/{condition}",
            labels="gtCoarse_daytime_trainvaltest/{split}/{condition}",
            picture_suffix="_leftImg8bit.png",
            label_suffix="_gtCoarse_labelTrainIds.png",
            conditions=("night",),
            counts={"test": (50,)},
            labelled=("test",),
            home="http://people.ee.ethz.ch/~daid/NightDriving",
            archives="NighttimeDrivingTest.zip",
            source="Dai and Van Gool, ITSC 2018 (arXiv 1810.02575)",
        ),
        Tree(
            name="muses",
            title="MUSES",
            pictures="frame_camera/{split}/{condition}",
            labels="gt_semantic/{split}/{condition}",
            picture_suffix="_frame_camera.png",
            label_suffix="_gt_labelTrainIds.png",
            conditions=tuple(
                f"{weather}/{time}" for weather in ("clear", "fog", "rain", "snow") for time in ("day", "night")
            ),
            counts={"train": (1500,), "val": (250,), "test": (750,)},
            labelled=("train", "val"),
            home="https://muses.ethz.ch (CC BY-NC-SA 4.0)",
            archives="the frame camera and the semantic annotations",
            source="Broedermann et al., ECCV 2024 (arXiv 2401.12761)",
        ),
        Tree(
            name="bdd100k",
            title="BDD100K",
            pictures="images/10k/{split}",
            labels="labels/sem_seg/masks/{split}",
            picture_suffix=".jpg",
            label_suffix=".png",
            conditions=("",),
            counts={"train": (7000,), "val": (1000,), "test": (2000,)},
            labelled=("train", "val"),
            home="http://bdd-data.berkeley.edu (after registration)",
            archives="the 10K images and the semantic segmentation labels",
            source="Yu et al., CVPR 2020 (arXiv 1805.04687)",
        ),
    )
}


@dataclass(frozen=True)
class ConditionReport:
    """What was found of one condition in one split.

    Attributes:
        place: Split and condition, for people.
        pictures: Number of pictures.
        labels: Number of label images.
        expected: Number of pictures there should be; ``None`` if any number but none will do.
        labelled: Whether there should be labels.
        without_label: Pictures that lack a label.
        without_picture: Labels that lack a picture.
    """

    place: str
    pictures: int
    labels: int
    expected: int | None
    labelled: bool
    without_label: tuple[str, ...] = field(default=())
    without_picture: tuple[str, ...] = field(default=())

    @property
    def problems(self) -> list[str]:
        """One sentence for each thing that is wrong; empty if all is there."""
        if not self.pictures and not self.labels:
            return [f"{self.place}: no picture found."]
        found = []
        if self.labelled and self.without_label:
            listed = shortlist(list(self.without_label))
            found.append(f"{self.place}: {len(self.without_label)} pictures have no label: {listed}.")
        if self.without_picture:
            listed = shortlist(list(self.without_picture))
            found.append(f"{self.place}: {len(self.without_picture)} labels have no picture: {listed}.")
        if self.expected is not None and self.pictures != self.expected:
            found.append(f"{self.place}: expected {self.expected} pictures, got {self.pictures}.")
        return found


def report_condition(root: str | os.PathLike[str], tree: Tree, split: str, condition: str) -> ConditionReport:
    """Count the pictures and labels of a condition in a split and match them by name.

    Args:
        root: The root of the set.
        tree: How it lies on disk.
        split: One of ``tree.splits``.
        condition: One of ``tree.conditions``.
    """
    pictures = stems_in(Path(root) / tree.picture_folder(split, condition), tree.picture_suffix)
    folder = tree.label_folder(split, condition)
    labels = [] if folder is None else stems_in(Path(root) / folder, tree.label_suffix)
    without_label, without_picture = unpaired(pictures, labels)
    return ConditionReport(
        f"{split} {condition}".strip(),
        len(pictures),
        len(labels),
        tree.expected(split, condition),
        folder is not None,
        tuple(name + tree.picture_suffix for name in without_label),
        tuple(name + tree.label_suffix for name in without_picture),
    )


def report_tree(root: str | os.PathLike[str], tree: Tree, splits: tuple[str, ...]) -> list[ConditionReport]:
    """Report every condition of some splits, in their order.

    Raises:
        FileNotFoundError: ``root`` does not exist, or the folder of all pictures is not in it.
        MMFanError: The set has no such split.
    """
    for split in splits:
        tree.check_split(split)
    if not (Path(root) / tree.top).is_dir():
        raise FileNotFoundError(f"There is no folder {Path(root).resolve() / tree.top}.\n{tree.advice(root)}")
    return [report_condition(root, tree, split, condition) for split in splits for condition in tree.conditions]


def problems_of_sums(reports: list[ConditionReport], tree: Tree, splits: tuple[str, ...]) -> list[str]:
    """Splits whose pictures do not add up to the published number, where there is one for all conditions together."""
    found = []
    for split in splits:
        if len(tree.counts[split]) == len(tree.conditions):
            continue
        pictures = sum(report.pictures for report in reports if report.place.split(" ")[0] == split)
        if pictures != tree.counts[split][0]:
            found.append(f"{split}: expected {tree.counts[split][0]} pictures in all conditions, got {pictures}.")
    return found


def unreferenced(root: str | os.PathLike[str], split: str, condition: str) -> list[str]:
    """Pictures of ACDC, as their names begin, that have no reference frame in good weather."""
    adverse, reference = TREES["acdc"], TREES["acdc_reference"]
    pictures = stems_in(Path(root) / adverse.picture_folder(split, condition), adverse.picture_suffix)
    partners = stems_in(Path(root) / reference.picture_folder(split, condition), reference.picture_suffix)
    return unpaired(pictures, partners)[0]
