"""Stage that the commands of a page find: sets, weights and results of the right kind, small.

The miniature stands for Cityscapes and COCO, a training of one iteration for a whole one, records written by hand for
those of a judged model. So the commands are run as they stand; what they print means nothing.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

# what a page writes for something of the reader's
NAMES = {
    "CONFIG": "fan_segformer_mini",
    "CHECKPOINT": "work_dirs/fan_segformer_mini/iter_700.pth",
    "PICTURE": "photos/a.png",
    "fan_segformer_camvid fan.pth": "fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth",
    "segformer_mit-b0_camvid:b0.pth": "fan_segformer_mini:work_dirs/fan_segformer_mini/iter_700.pth",
}
TRAINED = {"fan_segformer_mini": "iter_700.pth", "fan_mask_rcnn_mini": "iter_600.pth"}


def build(folder: Path) -> None:
    """Make the stage in an empty folder."""
    from mmfan.datasets.miniature import write_cityscapes, write_coco

    write_cityscapes(folder / "data/mini_cityscapes", train=6, val=2)
    write_coco(folder / "data/mini_coco", train=4, val=2)
    shutil.copytree(folder / "data/mini_cityscapes", folder / "data/cityscapes")
    shutil.copytree(folder / "data/mini_coco", folder / "data/coco")
    (folder / "photos").mkdir()
    for name, picture in zip("ab", sorted((folder / "data/mini_coco/val2017").glob("*.png")), strict=True):
        shutil.copy(picture, folder / f"photos/{name}.png")
    for config, checkpoint in TRAINED.items():
        _train(folder, config, checkpoint)
    for file, model, kept in (("fan.jsonl", "fan-t", 0.8), ("segformer.jsonl", "segformer-b0", 0.7)):
        _write_results(folder / file, model, kept)
    (folder / "results").mkdir()
    for model, seeds, kept in (("fan", 3, 0.8), ("segformer", 2, 0.7)):
        for seed in range(seeds):
            _write_results(folder / f"results/{model}_s{seed}.jsonl", f"{model}_s{seed}", kept + seed / 100)


def _train(folder: Path, config: str, checkpoint: str) -> None:
    """One iteration, in the data of the stage."""
    work = folder / "work_dirs" / config
    options = ["train_cfg.max_iters=1", "train_cfg.val_interval=10", "train_dataloader.batch_size=2"]
    command = [sys.executable, "-m", "mmfan", "train", config, "--work-dir", str(work), "--quiet", "--cfg-options"]
    subprocess.run([*command, *options], cwd=folder, check=True)
    (work / "iter_1.pth").rename(work / checkpoint)
    (work / "last_checkpoint").unlink()


def _write_results(path: Path, model: str, kept: float) -> None:
    """Records of every cell of kamann16, with scores that fall with the severity."""
    from mmfan.corruptions.cell import CLEAN
    from mmfan.evaluation import PROTOCOLS

    with open(path, "w", encoding="utf-8") as file:
        for cell in (CLEAN, *PROTOCOLS["kamann16"].cells):
            record = {"model": model, "dataset": "cityscapes", "corruption": cell.corruption}
            record |= {"severity": cell.severity, "metrics": {"mIoU": 0.6 * kept**cell.severity}}
            file.write(json.dumps(record) + "\n")
