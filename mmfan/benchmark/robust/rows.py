"""Rows of the table of evidence: one training of an arm and its judgement.

Both are commands of mmfan, and go on where they were killed. In the folder of the evidence ``cwfa-0/`` is the work
folder of the training of ``cwfa`` with seed 0, and ``cwfa-0.jsonl`` its results.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mmfan.benchmark.robust.arms import ARMS, CONFIG, arm_of
from mmfan.benchmark.robust.checkpoints import is_whole, ready_to_resume
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS

SEVERITY = 3
AT_SEVERITY = f"severity{SEVERITY}"
LIMIT = 26  # every fourth of CamVid's 101 validation pictures
DATASET = "camvid"
TYPES = (*PROTOCOLS["kamann16"].corruptions, *CBAR)

Say = Callable[[str], None]


def row_name(arm: str, seed: int) -> str:
    """The name of a training, in the folder of the evidence and in its results."""
    return f"{arm}-{seed}"


def paths_of_rows(out: Path, suffix: str = "") -> list[tuple[str, int, Path]]:
    """What lies in a folder of evidence under the names of rows: arm, seed and path of each, arm by arm.

    Args:
        out: The folder; it may be missing.
        suffix: ``'.jsonl'`` for results files; without it the work folders.
    """
    found = []
    for arm in ARMS:
        seeds = {path: path.name[len(arm) + 1 : len(path.name) - len(suffix)] for path in out.glob(f"{arm}-*{suffix}")}
        found += sorted((arm, int(seed), path) for path, seed in seeds.items() if seed.isdecimal())
    return found


def train_arguments(arm: str, seed: int, out: Path, config: str = CONFIG) -> list[str]:
    """What ``mmfan`` is given to train a row, or to go on with it."""
    chosen = arm_of(arm)
    folder = str(out / row_name(arm, seed))
    options = ["--work-dir", folder, "--resume", "--robust", *chosen.recipes]
    return ["train", config, *options, "--cfg-options", f"randomness.seed={seed}"]


def judge_arguments(
    arm: str,
    seed: int,
    out: Path,
    checkpoint: Path,
    config: str = CONFIG,
    protocol: str = AT_SEVERITY,
    limit: int = LIMIT,
) -> list[str]:
    """What ``mmfan`` is given to judge a row, or to go on with it: by the plain config, which takes the weights.

    Args:
        arm: Name of the arm.
        seed: Of its training.
        out: Folder of all rows; the results file lies there.
        checkpoint: What the training left.
        config: The plain config.
        protocol: Name of a protocol, or all types at the one severity of the yardstick.
        limit: Number of pictures.
    """
    name = row_name(arm, seed)
    # the trees of CamVid are read as Cityscapes, and would bear its name
    dataset = ["--dataset-name", DATASET] if is_of_camvid(config) else []
    cells = ["--corruptions", *TYPES, "--severities", str(SEVERITY)]
    return [
        *("judge", config, str(checkpoint), "--results", str(out / f"{name}.jsonl"), "--name", name),
        *(*dataset, "--limit", str(limit), "--calibration"),
        *(cells if protocol == AT_SEVERITY else ["--protocol", protocol]),
    ]


def make_row(
    arm: str,
    seed: int,
    out: Path,
    config: str = CONFIG,
    protocol: str = AT_SEVERITY,
    limit: int = LIMIT,
    say: Say = print,
) -> Path:
    """Train an arm, unless that is done, and judge it, but for what is judged.

    Args:
        arm: A name of :data:`~mmfan.benchmark.robust.arms.ARMS`.
        seed: Of the training.
        out: Folder of the evidence; made if it is missing.
        config: What is trained.
        protocol: ``'severity3'``, the types of kamann16 and C-bar at that severity, or the name of a protocol.
        limit: Pictures that it is judged on, spread evenly over the set.
        say: Receives the commands, and what is done about checkpoints that were cut off.

    Returns:
        The results file.

    Raises:
        MMFanError: There is no such arm or config, the folder holds a row of another config, or a command failed: it
            has said why.
        OSError: A checkpoint cannot be read.
    """
    train = train_arguments(arm, seed, out, config)
    folder = out / row_name(arm, seed)
    checkpoint = folder / f"iter_{length_of(config)}.pth"
    make_folder(out)
    _refuse_others(out, Path(config).stem)
    if not is_whole(checkpoint):
        ready_to_resume(folder, say)
        _run(train, say)
    _run(judge_arguments(arm, seed, out, checkpoint, config, protocol, limit), say)
    return out / f"{row_name(arm, seed)}.jsonl"


def _refuse_others(out: Path, config: str) -> None:
    """Rows of one folder stand in one table: all are trainings of one config, of which each leaves a copy."""
    for _, _, folder in paths_of_rows(out):
        others = sorted(path.stem for path in folder.glob("*.py") if path.stem != config)
        if others:
            raise MMFanError(f"{folder} holds a training of {others[0]}, not of {config}: give it another --out.")


def make_folder(out: Path) -> None:
    """Make the folder of the evidence, unless it is there.

    Raises:
        MMFanError: It is a file.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise MMFanError(f"Expected a folder for the evidence, got {out}: a file is there.") from error


def is_of_camvid(config: str) -> bool:
    """Whether a config is judged on CamVid, by the folder of its pictures or its own name."""
    from mmfan.apis import load_config
    from mmfan.apis.config import innermost_dataset

    dataset = innermost_dataset(load_config(config).test_dataloader.dataset)
    return any(DATASET in str(name) for name in (Path(config).stem, dataset.get("data_root")))


def length_of(config: str) -> int:
    """The iterations of a config's training.

    Raises:
        MMFanError: It counts epochs.
    """
    from mmfan.apis import load_config

    length = load_config(config).train_cfg.get("max_iters")
    if not length:
        raise MMFanError(f"{config} counts epochs: rows are made of configs that count iterations.")
    return int(length)


def _run(arguments: list[str], say: Say) -> None:
    say(f"mmfan {' '.join(arguments)}")
    status = subprocess.run([sys.executable, "-m", "mmfan", *arguments], check=False).returncode
    if status:
        raise MMFanError(f"`mmfan {arguments[0]}` ended with status {status}; the same command goes on from there.")
