"""Made-up trees of the sets of real weather, file by file as the sets have them: two pictures a condition."""

from pathlib import Path

import cv2
import numpy as np

# picture -> its label (None: the split has none), for each set
ACDC: dict[str, str | None] = {
    f"rgb_anon/{condition}/{split}/GOPR0{number}/GOPR0{number}_frame_0000{frame}_rgb_anon.png": (
        None
        if split == "test"
        else f"gt/{condition}/{split}/GOPR0{number}/GOPR0{number}_frame_0000{frame}_gt_labelTrainIds.png"
    )
    for condition, number in (("fog", 475), ("night", 351), ("rain", 400), ("snow", 122))
    for split in ("train", "val", "test")
    for frame in (41, 83)
}
ACDC_REFERENCES = [
    picture.replace("/GOPR", "_ref/GOPR", 1).replace("_rgb_anon.png", "_rgb_ref_anon.png") for picture in ACDC
]
DARK_ZURICH: dict[str, str | None] = {
    f"rgb_anon/val/night/GOPR0356/GOPR0356_frame_000{frame}_rgb_anon.png": (
        f"gt/val/night/GOPR0356/GOPR0356_frame_000{frame}_gt_labelTrainIds.png"
    )
    for frame in (321, 324)
}
NIGHT_DRIVING: dict[str, str | None] = {
    f"leftImg8bit/test/night/0_frame_0{frame}_leftImg8bit.png": (
        f"gtCoarse_daytime_trainvaltest/test/night/0_frame_0{frame}_gtCoarse_labelTrainIds.png"
    )
    for frame in (102, 138)
}
MUSES: dict[str, str | None] = {
    f"frame_camera/{split}/{weather}/{time}/REC00{number}_frame_0797{number}_frame_camera.png": (
        None
        if split == "test"
        else f"gt_semantic/{split}/{weather}/{time}/REC00{number}_frame_0797{number}_gt_labelTrainIds.png"
    )
    for split in ("train", "val", "test")
    for weather in ("clear", "fog", "rain", "snow")
    for time in ("day", "night")
    for number in (10, 11)
}
BDD100K: dict[str, str | None] = {
    f"images/10k/{split}/0a0a0b1a-7c39d84{number}.jpg": (
        None if split == "test" else f"labels/sem_seg/masks/{split}/0a0a0b1a-7c39d84{number}.png"
    )
    for split in ("train", "val", "test")
    for number in (1, 2)
}
SETS: dict[str, dict[str, str | None]] = {
    "acdc": ACDC,
    "dark_zurich": DARK_ZURICH,
    "night_driving": NIGHT_DRIVING,
    "muses": MUSES,
    "bdd100k": BDD100K,
}
SIZE = (6, 10)  # rows, columns


def write_set(root: Path, name: str) -> Path:
    """Write the tree of a set: picture n is of grey level n, its label of class n mod 19."""
    for number, (picture, label) in enumerate(SETS[name].items()):
        _write(root / picture, np.full((*SIZE, 3), number, np.uint8))
        if label is not None:
            _write(root / label, np.full(SIZE, number % 19, np.uint8))
    if name == "acdc":
        for picture in ACDC_REFERENCES:
            _write(root / picture, np.full((*SIZE, 3), 200, np.uint8))
    return root


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
