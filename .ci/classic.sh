#!/usr/bin/env bash
# The environment that most users of OpenMMLab have: torch 2.1, NumPy 1, mmcv 2.1 and the last releases of the original
# packages, on the CPU. Makes it, runs the suites that stand on those packages, then trains, tests and judges both
# miniatures, a few iterations each.
#
#   .ci/classic.sh               # all of it
#   .ci/classic.sh setup         # the environment alone; unchanged, it takes no time
#   .ci/classic.sh tests         # and the suites; ARGS goes to pytest
#   .ci/classic.sh miniatures    # or the miniatures
#
# VENV     where to put the environment   (default: .venv-classic)
# PYTHON   Python 3.11                    (default: python3.11)
# CLASSIC  where results go               (default: work_dirs/classic)
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-all}
venv=${VENV:-.venv-classic}
python=${PYTHON:-python3.11}
work=${CLASSIC:-work_dirs/classic}
pins=constraints-classic.txt
SUITES=(tests/models tests/evaluation tests/datasets tests/corruptions tests/apis tests/training
  tests/test_environment.py tests/test_registry.py tests/cli/commands/test_env.py tests/ci/test_classic.py)
say() { printf '[classic %4d s] %s\n' "$SECONDS" "$*"; }
stop() { say "$*" >&2; exit 1; }

case $what in all | setup | tests | miniatures) ;; *) stop "expected setup, tests, miniatures or nothing, got $what" ;; esac

# --- the environment
make_environment() {
  [ "$("$python" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null)" = "3 11" ] ||
    stop "Python 3.11 is needed, the last that torch 2.1 has wheels for, got $("$python" --version 2>&1); set PYTHON=/path/to/python3.11"
  local want
  want=$({ printf '%s\n' "$PWD" "$("$python" --version)"; cat .ci/classic.sh .ci/operators.py "$pins" pyproject.toml; } | sha256sum)
  if [ "$(cat "$venv/.mmfan-classic" 2>/dev/null)" = "$want" ]; then return; fi

  [ -x "$venv/bin/python" ] || { say "creating $venv with $("$python" --version)"; "$python" -m venv "$venv"; }
  rm -f "$venv/.mmfan-classic"
  say "fetching the original packages and torch $(sed -n 's/^torch==//p' "$pins")"
  grep -v '^mmcv==' "$pins" > "$venv/pins.txt"
  pip install -q --no-deps -r "$venv/pins.txt"
  local mmcv
  mmcv=$("$venv/bin/python" .ci/operators.py "$(grep '^mmcv==' "$pins")" --operators cpu)
  pip install -q --no-deps --force-reinstall "$mmcv"
  pip install -q --no-deps --no-build-isolation -e .
  "$venv/bin/python" -c 'import mmfan; mmfan.check_environment("mmcv", "mmseg", "mmdet")'
  echo "$want" > "$venv/.mmfan-classic"
  say "made $venv"
}
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

# --- train, test, judge
# A command of mmfan, its whole output in a log.
mmfan() {
  local log=$1
  shift
  say "  mmfan $*"
  "$venv/bin/mmfan" "$@" > "$log" 2>&1 || failed "$1" "$log"
}
failed() { tail -n 30 "$2" >&2; stop "mmfan $1 failed; the whole output is in $2"; }

miniature() {
  local kind=$1 config=$2 data=data/mini_$1 out=$work/$1
  rm -rf "$out"
  mkdir -p "$out"
  mmfan "$out/mini.log" mini "$kind" "$data"
  mmfan "$out/train.log" train "$config" --work-dir "$out" --cfg-options train_cfg.max_iters=4 \
    train_cfg.val_interval=4 default_hooks.checkpoint.interval=4 train_dataloader.num_workers=0
  mmfan "$out/test.log" test "$config" "$out/iter_4.pth" --work-dir "$out"
  say "  mmfan judge $config"
  "$venv/bin/mmfan" judge "$config" "$out/iter_4.pth" --work-dir "$out" --results "$out/robustness.jsonl" \
    --corruptions fog gaussian_noise --severities 3 --limit 4 > "$out/judge.log" 2>&1 ||
    # so young a detector finds nothing, and 0 retains nothing, which ends in an error after the last cell
    grep -q 'is 0, so that there is no retention' "$out/judge.log" || failed judge "$out/judge.log"
  [ "$(grep -c '"corruption"' "$out/robustness.jsonl")" = 3 ] ||
    stop "expected the clean pictures and two cells in $out/robustness.jsonl"
}

make_environment
if [ "$what" = all ] || [ "$what" = tests ]; then
  # shellcheck disable=SC2086  # ARGS are words
  OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} "$venv/bin/python" -m pytest -n logical --maxprocesses 4 --dist loadfile \
    "${SUITES[@]}" ${ARGS:-}
fi
if [ "$what" = all ] || [ "$what" = miniatures ]; then
  say "the miniatures"
  miniature cityscapes fan_segformer_mini
  miniature coco fan_mask_rcnn_mini
fi
say "done"
