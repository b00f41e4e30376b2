"""The commands that are killed, each on a tiny input: how to start one, and what its result is."""

import hashlib
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from helpers.corrupted_tree import write_picture
from helpers.tiny_robustness import write_parts
from helpers.tiny_segmentor import write_config, write_tree

# what tells two runs of the judge apart that are the same: how long they took, where, and by what
UNLIKE = ("date", "seconds", "versions", "time", "shares")
JUDGED = ["contrast", "gaussian_noise", "fog", "jpeg_compression"]
TRAINING = """
randomness = dict(seed=0, deterministic=True)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=24, val_interval=100)
default_hooks = dict(checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=2, max_keep_ckpts=3))
"""


class Subject(NamedTuple):
    """One command.

    Attributes:
        prepare: Makes the input in a folder.
        command: Arguments of mmfan, from the folder of the input and that of the output.
        result: What the output must come to: name -> a value that can be compared.
        half_written: What is wrong with an unfinished output, given the result that it should come to.
    """

    prepare: Callable[[Path], None]
    command: Callable[[Path, Path], list[str]]
    result: Callable[[Path], dict[str, object]]
    half_written: Callable[[Path, dict[str, object]], list[str]]


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(folder: Path) -> dict[str, object]:
    """Digest of every file below a folder that is not hidden, by its path."""
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): digest(folder / path) for path in found if not any(part.startswith(".") for part in path.parts)}


# a corrupted set


def prepare_set(folder: Path) -> None:
    for at in range(6):
        write_picture(folder / "clean" / f"{at}.png", at, (160, 240))


def command_of_set(source: Path, target: Path) -> list[str]:
    chosen = ["--corruptions", "fog", "snow", "glass_blur", "jpeg_compression", "--severities", "1", "3", "5"]
    return ["corrupt", str(source / "clean"), str(target / "set"), *chosen, "--workers", "2"]


def result_of_set(target: Path) -> dict[str, object]:
    hidden = [path for path in (target / "set").rglob(".*") if path.is_file()]
    return files_of(target / "set") | {"hidden files": sorted(map(str, hidden))}


def half_written_set(target: Path, result: dict[str, object]) -> list[str]:
    found = files_of(target / "set") if (target / "set").is_dir() else {}
    parts = [name for name in found if "-of-" in name]  # of manifests, which the merged ones replace: whole texts
    for name in parts:
        content = (target / "set" / name).read_bytes()
        if not content.endswith(b"\n"):
            return [name]
        if name.endswith(".json"):
            json.loads(content)
    return [name for name, value in found.items() if name not in parts and result.get(name) != value]


# judging


def prepare_judge(folder: Path) -> None:
    write_parts(folder, pictures=3)


def command_of_judge(source: Path, target: Path) -> list[str]:
    chosen = ["--corruptions", *JUDGED, "--severities", "1", "3", "5", "--workers", "1", "--pictures", "1"]
    where = ["--work-dir", str(target / "work"), "--results", str(target / "run.jsonl")]
    return ["judge", str(source / "tiny.py"), str(source / "tiny.pth"), *chosen, *where]


def records_of(target: Path) -> list[dict]:
    """The records of a results file without what differs between two runs; a last line without an end is left out."""
    path = target / "run.jsonl"
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    lines = map(json.loads, whole.splitlines())
    return [{key: value for key, value in record.items() if key not in UNLIKE} for record in lines]


def result_of_judge(target: Path) -> dict[str, object]:
    found: dict[str, object] = {"records": records_of(target)}
    for name in ("counts", "pictures"):
        found |= {f"{name}/{path}": value for path, value in files_of(target / f"run.jsonl.{name}").items()}
    return found


def half_written_judge(target: Path, result: dict[str, object]) -> list[str]:
    records, whole = records_of(target), result["records"]
    assert isinstance(whole, list)
    problems = [] if records == whole[: len(records)] else ["run.jsonl: other records than those of a whole run"]
    for name in ("counts", "pictures"):
        folder = target / f"run.jsonl.{name}"
        found = files_of(folder) if folder.is_dir() else {}
        problems += [path for path, value in found.items() if result.get(f"{name}/{path}") != value]
    return problems


# the miniature


def command_of_miniature(_: Path, target: Path) -> list[str]:
    return ["mini", "cityscapes", str(target / "mini"), "--train", "12", "--val", "6", "--workers", "2"]


def result_of_miniature(target: Path) -> dict[str, object]:
    beside = sorted(path.name for path in target.iterdir() if path.name != "mini")
    return files_of(target / "mini") | {"beside": beside}


def half_written_miniature(target: Path, result: dict[str, object]) -> list[str]:
    if not (target / "mini").exists():
        return []
    return [] if files_of(target / "mini").items() <= result.items() else ["mini: not the whole set"]


# training


def prepare_training(folder: Path) -> None:
    write_config(folder / "tiny.py", write_tree(folder / "data"), TRAINING)


def command_of_training(source: Path, target: Path) -> list[str]:
    return ["train", str(source / "tiny.py"), "--work-dir", str(target / "work"), "--resume"]


def result_of_training(target: Path) -> dict[str, object]:
    import torch

    from mmfan.models.safe_load import safe_load

    content = safe_load(target / "work" / "iter_24.pth")
    weights = {name: value.numpy().tobytes() for name, value in content["state_dict"].items()}
    moments = {
        f"optimizer {number}.{name}": value.numpy().tobytes()
        for number, state in content["optimizer"]["state"].items()
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }
    return {**weights, **moments, "iter": content["meta"]["iter"]}


def half_written_training(target: Path, _: dict[str, object]) -> list[str]:
    from mmfan.apis.resume import latest_checkpoint
    from mmfan.models.safe_load import safe_load

    latest = latest_checkpoint(target / "work") if (target / "work").is_dir() else None
    if latest is not None:
        safe_load(latest)  # the one that --resume takes must be whole
    return []


SUBJECTS = {
    "set": Subject(prepare_set, command_of_set, result_of_set, half_written_set),
    "judge": Subject(prepare_judge, command_of_judge, result_of_judge, half_written_judge),
    "miniature": Subject(lambda _: None, command_of_miniature, result_of_miniature, half_written_miniature),
    "training": Subject(prepare_training, command_of_training, result_of_training, half_written_training),
}


def import_all() -> None:
    """Import what the commands import, so that processes forked from this one begin to work at once."""
    import cv2

    cv2.setNumThreads(1)  # a process that is forked from one with OpenCV's threads waits for them for ever
    for name in ("mmseg.datasets", "mmseg.models", "mmfan.apis.robustness", "mmfan.datasets.miniature"):
        import_module(name)
