#!/usr/bin/env bash
# `mim search|train|test|run mmfan` for real: openmim with mmfan's wheel, onedl-mim with a checkout, each in an
# environment of its own that is laid over VENV (torch and OpenMMLab come from there). Needs the package index.
#
# VENV   the environment that .ci/setup.sh made   (default: .venv)
# MIM    where environments and results go        (default: work_dirs/mim)
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/overlay.sh

root=$PWD
base=$(cd "${VENV:-.venv}" && pwd)
work=${MIM:-work_dirs/mim}
say() { printf '[mim] %s\n' "$*"; }

rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
export OMP_NUM_THREADS=1
numpy=numpy==$("$base/bin/python" -c 'import numpy; print(numpy.__version__)')

# One of the two tools in an environment of its own.
lay() {
  overlay "$base" "$work/$1"
  # openmim imports pkg_resources; its dependencies take an older setuptools than torch asks for, which pip reports, and
  # a newer NumPy than an older torch can be used with, which is kept from them
  "$work/$1/bin/pip" install -q --disable-pip-version-check 'setuptools<81' "$numpy" "$1" 2>&1 | grep -v '^WARNING' || true
}

# The whole journey, one iteration long, with the config as `mim train` is given it.
journey() {
  local mim=$work/$1/bin/mim config=$2
  mkdir -p "$work/$1-run"
  (
    cd "$work/$1-run"
    "$mim" search mmfan --model fan_segformer --sort cityscapes-c/miou --field cityscapes-c/miou cityscapes-c/retention \
      > search.txt
    "$mim" run mmfan make_mini_set cityscapes data/mini_cityscapes --train 4 --val 2 --size 128 64 --workers 1
    "$mim" train mmfan "$config" --work-dir work --cfg-options train_cfg.max_iters=1 train_cfg.val_interval=2 \
      train_dataloader.num_workers=0 train_dataloader.persistent_workers=False default_hooks.checkpoint.interval=1
    "$mim" test mmfan "$config" --checkpoint work/iter_1.pth --work-dir work/test \
      --cfg-options test_dataloader.num_workers=0 test_dataloader.persistent_workers=False
  ) > "$work/$1.log" 2>&1 &  # waited for: behind `||` the shell would go on after a failure within
  wait $! || { tail -n 20 "$work/$1.log" >&2; say "$1 failed; the whole output is in $work/$1.log" >&2; exit 1; }
  grep -q 'Testing finished successfully' "$work/$1.log"
  # the best of the family and what it retains, as configs/index.json has them
  grep -A2 'fan-l-hybrid_segformer_8xb1-160k_cityscapes-1024x1024' "$work/$1-run/search.txt" | tr -s ' \n' ' ' |
    grep -q 'cityscapes-c/miou 68.7 cityscapes-c/retention 83.5'
  say "$1: search, run, train and test work"
}

say "openmim with the wheel"
lay openmim
"$work/openmim/bin/pip" wheel -q --disable-pip-version-check --no-deps -w "$work" "$root"
"$work/openmim/bin/pip" install -q --disable-pip-version-check --no-deps "$work"/mmfan-*.whl
journey openmim fan_segformer_mini.py

say "onedl-mim with a checkout"
lay onedl-mim
"$work/onedl-mim/bin/pip" install -q --disable-pip-version-check --no-deps -e "$root"
journey onedl-mim "$root/configs/fan_segformer/fan_segformer_mini.py"

# onedl-mim 0.5.1 takes the first file that pip recorded for the package's folder; of a package with a command that is
# ../../../bin/mmfan. docs/configs.md says so for as long as this fails.
"$work/onedl-mim/bin/pip" install -q --disable-pip-version-check --no-deps --force-reinstall "$work"/mmfan-*.whl
if "$work/onedl-mim/bin/mim" search mmfan --valid-config > "$work/onedl-mim-wheel.log" 2>&1; then
  say "onedl-mim finds a wheel as well now: docs/configs.md need not warn any more" >&2
  exit 1
fi
grep -q "site-packages/../model-index.yml" "$work/onedl-mim-wheel.log"
say "onedl-mim with the wheel: looks in the wrong folder, as docs/configs.md says"
