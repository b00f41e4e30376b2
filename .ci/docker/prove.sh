#!/usr/bin/env bash
# Whether an image works: the miniatures drawn, one iteration trained, one cell judged and reported, a detector built.
#
#   .ci/docker/prove.sh PREFIX
#
# Takes half a minute on a CPU and leaves nothing behind but this: what root imports here is compiled to bytecode, which others, who cannot write there, then use.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 PREFIX" >&2; exit 2; }
export PATH=$1/bin:$PATH OMP_NUM_THREADS=1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TMPDIR=$folder XDG_CACHE_HOME=$folder/cache NUMBA_CACHE_DIR=$folder/cache/numba MPLCONFIGDIR=$folder/cache/matplotlib
cd "$folder"

mmfan env
# One process for the rest: each of its own would import everything again. That mmcv has every operator is seen when their
# module is imported; suppression of boxes is one of them.
python - > log 2>&1 <<'P' || { tail -n 20 log >&2; exit 1; }
import torch
from mmcv.ops import nms
from mmfan.cli import main

for line in (
    "mini cityscapes data/mini_cityscapes --train 4 --val 2 --size 128 64 --workers 1",
    "train fan_segformer_mini --work-dir work --cfg-options train_cfg.max_iters=1 train_cfg.val_interval=2"
    " train_dataloader.num_workers=0 train_dataloader.persistent_workers=False default_hooks.checkpoint.interval=1",
    "judge fan_segformer_mini work/iter_1.pth --limit 1 --corruptions glass_blur --severities 1 --workers 0"
    " --results results.jsonl --cfg-options test_dataloader.persistent_workers=False",
    "report results.jsonl --protocol recorded --format html --out report.html",
):
    if main(line.split()) != 0:
        raise SystemExit(f"failed: mmfan {line}")
boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [1.0, 1.0, 9.0, 9.0], [20.0, 20.0, 30.0, 30.0]])
kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), iou_threshold=0.5)[1].tolist()
assert kept == [0, 2], kept
P
echo "mmfan works: drawn, trained, judged, reported; mmcv has its operators"
