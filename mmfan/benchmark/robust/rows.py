"""Rows of the table of evidence: one training of an arm and its judgement.

Both are commands of mmfan, and go on where they were killed. In the folder of the evidence ``cwfa-0/`` is the work
folder of the training of ``cwfa`` with seed 0, and ``cwfa-0.jsonl`` its results.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mmfan.benchmark.robust.alone import alone
from mmfan.benchmark.robust.arms import ARMS, CONFIG, arm_of
from mmfan.benchmark.robust.checkpoints import is_whole, ready_to_resume
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS

SEVERITY = 3
AT_SEVERITY = f"severity{SEVERITY}"
LIMIT = 26  # every fourth of CamVid's 101 validation pictures
DATASET = "camvid"
WHOLE = re.compile("0|[1-9][0-9]{0,18}")
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

    Raises:
        MMFanError: A seed is written as that of no row, 00 say, and would be taken for another.
    """
    found = []
    for arm in ARMS:
        seeds = {path: path.name[len(arm) + 1 : len(path.name) - len(suffix)] for path in out.glob(f"{arm}-*{suffix}")}
        for path, seed in seeds.items():
            if seed.isdecimal() and not WHOLE.fullmatch(seed):
                raise MMFanError(
                    f"{path} has no name of a row, as {row_name(arm, 0)}{suffix} is: expected a seed without zeros "
                    f"before it, got {seed!r:.40}. Rename it, or move it to another folder."
                )
        found += sorted((arm, int(seed), path) for path, seed in seeds.items() if WHOLE.fullmatch(seed))
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
        MMFanError: There is no such arm or config, the folder holds a row of another config, another process makes
            this row, or a command failed: it has said why.
        OSError: A checkpoint cannot be read.
    """
    train = train_arguments(arm, seed, out, config)
    name = row_name(arm, seed)
    folder, results = out / name, out / f"{name}.jsonl"
    checkpoint = folder / f"iter_{length_of(config)}.pth"
    make_folder(out)
    refuse_others(out, config)
    refuse_folder(results)
    with alone(out / f".{name}.lock", f"{name} of {out}", wait=False, say=say) as lock:
        if not is_whole(checkpoint):
            ready_to_resume(folder, say)
            _run(train, say, lock)
        _run(judge_arguments(arm, seed, out, checkpoint, config, protocol, limit), say, lock)
    return results


def config_of_row(arm: str, seed: int, out: Path) -> str:
    """The name of the config that a row is a training of, which left a copy in its work folder.

    Raises:
        MMFanError: There is no copy, or there are several.
    """
    folder = out / row_name(arm, seed)
    copies = _configs_in(folder)
    if len(copies) != 1:
        cure = "Remove those that were not trained." if copies else "Copy the work folder along with the results file."
        raise MMFanError(
            f"Expected one config in {folder}, NAME.py, of which the row is a training, got "
            f"{', '.join(copies) or 'none'}. {cure}"
        )
    return copies[0]


def _configs_in(folder: Path) -> list[str]:
    """Names of the configs that trainings left a copy of in their work folder."""
    return sorted(path.stem for path in folder.glob("*.py"))


def refuse_folder(results: Path) -> None:
    """See that a results file is none of a folder.

    Raises:
        MMFanError: It is one.
    """
    if results.is_dir():
        raise MMFanError(f"Expected a results file, got {results}: a folder is there. Move it elsewhere.")


def refuse_others(out: Path, config: str) -> None:
    """See that all rows of a folder, which stand in one table, are trainings of one config.

    Raises:
        MMFanError: One is of another.
    """
    own = Path(config).stem
    for _, _, folder in paths_of_rows(out):
        others = [name for name in _configs_in(folder) if name != own]
        if others:
            raise MMFanError(
                f"{folder} holds a training of {others[0]}, not of {own}: give another --out, or --config {others[0]}."
            )


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


def _run(arguments: list[str], say: Say, lock: int | None) -> None:
    """Run a command that holds the lock of its row as well: it may outlive this process, where that is killed."""
    say(f"mmfan {' '.join(arguments)}")
    held = () if lock is None else (lock,)
    status = subprocess.run([sys.executable, "-m", "mmfan", *arguments], check=False, pass_fds=held).returncode
    if status:
        raise MMFanError(f"`mmfan {arguments[0]}` ended with status {status}; the same command goes on from there.")
