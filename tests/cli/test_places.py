"""Where commands write: below work_dirs, below data and where they are told, and nowhere else."""

import tempfile
from pathlib import Path

import pytest

from mmfan.cli import main

pytestmark = pytest.mark.slow

CHECKPOINT = "work_dirs/fan_segformer_mini/iter_1.pth"
PICTURE = "data/mini_cityscapes/leftImg8bit/val/*/*.png"
# a command line, and the place that it names
LINES = [
    ("mini cityscapes data/mini_cityscapes --train 4 --val 2 --size 128 64 --workers 1", ""),
    ("prepare cityscapes data/mini_cityscapes --check-only --expected train=4 val=2", ""),
    ("train fan_segformer_mini --cfg-options train_cfg.max_iters=1 train_cfg.val_interval=1"
     " val_dataloader.num_workers=0 train_dataloader.num_workers=0 default_hooks.checkpoint.interval=1", ""),
    (f"test fan_segformer_mini {CHECKPOINT} --cfg-options test_dataloader.num_workers=0", ""),
    (f"test fan_segformer_mini {CHECKPOINT} --out labels --cfg-options test_dataloader.num_workers=0", "labels"),
    (f"judge fan_segformer_mini {CHECKPOINT} --corruptions fog --severities 1 --pictures 1 --workers 0", ""),
    (f"judge fan_segformer_mini {CHECKPOINT} --corruptions fog --severities 2 --workers 0 --dry-run", ""),
    ("report work_dirs/fan_segformer_mini/robustness.jsonl", ""),
    ("report work_dirs/fan_segformer_mini/robustness.jsonl --format html --out report.html", "report.html"),
    (f"infer fan_segformer_mini {CHECKPOINT} {PICTURE}", ""),
    (f"infer --compare fan_segformer_mini {CHECKPOINT} --out pictures.png --limit 1", "pictures.png"),
    (f"analyze variance fan_segformer_mini {CHECKPOINT} --limit 1", ""),
    (f"corrupt --sheet {PICTURE} --corruptions fog", ""),
    ("corrupt data/mini_cityscapes data/mini_cityscapes_c --corruptions fog --severities 1 --workers 1", ""),
    ("configs", ""),
    ("env", ""),
]  # fmt: skip


def test_nothing_is_written_elsewhere(tmp_path, monkeypatch, capfd):
    home, temporary = tmp_path / "here", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    allowed = {"work_dirs", "data"}
    for line, place in LINES:
        arguments = line.replace(PICTURE, str(next(iter(Path().glob(PICTURE)), PICTURE))).split()
        status = main(arguments)
        assert status == 0, (line, capfd.readouterr().err[-2000:])
        allowed |= {place} - {""}
        assert {path.name for path in home.iterdir()} <= allowed, line
        assert place == "" or (home / place).exists(), line
        # torch keeps a cache of its own there
        assert [path for path in temporary.iterdir() if not path.name.startswith("torch")] == [], line
    assert {path.name for path in home.iterdir()} == allowed
    for made in ("work_dirs/predictions", "work_dirs/corruptions.png", "work_dirs/analysis/variance.json"):
        assert (home / made).exists()
