#!/usr/bin/env bash
# Make .venv, as far as it is needed. Safe to repeat: what is there and unchanged takes no time.
#
#   .ci/setup.sh               # segmentation: torch, the OpenMMLab stack without compiled operators, mmfan (a minute)
#   .ci/setup.sh operators     # and mmcv's compiled operators, mmdet: detection (two minutes more on 2 cores, once)
#   .ci/setup.sh dev           # and what the tests and checks need
#   .ci/setup.sh docs          # operators, and what builds the documentation site
#
# VENV        where to put the environment      (default: .venv)
# PYTHON      the interpreter to start from     (default: python3)
# MMFAN_CACHE where built wheels are kept       (default: $XDG_CACHE_HOME/mmfan or ~/.cache/mmfan)
# OPERATORS   cpu: compile for the CPU, on any machine; FORCE_CUDA=1 TORCH_CUDA_ARCH_LIST=9.0: for a GPU that is elsewhere
#             (default: for the GPU that torch sees, else for the CPU)
set -euo pipefail
cd "$(dirname "$0")/.."

stage=${1:-segmentation}
venv=${VENV:-.venv}
python=${PYTHON:-python3}
pins=constraints.txt
started=$SECONDS
say() { printf '[setup %3d s] %s\n' "$((SECONDS - started))" "$*"; }
stop() { say "$*" >&2; exit 1; }

case $stage in segmentation) ;; operators | dev | docs) ;; *) stop "expected segmentation, operators, dev or docs, got $stage" ;; esac
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
  stop "Python 3.10 or newer is needed, got $("$python" --version 2>&1); set PYTHON=/path/to/python3"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  stop "$python has no venv; install it (Debian and Ubuntu: apt-get install python3-venv) or set PYTHON=/path/to/python3"

# A stamp holds everything that a stage depends on; equal means there is nothing to do.
state() {
  printf '%s\n' "$PWD" "$("$python" --version)" "${OPERATORS:-}" "${FORCE_CUDA:-0}" "${TORCH_CUDA_ARCH_LIST:-}"
  cat .ci/setup.sh .ci/operators.py "$pins" pyproject.toml
}
want=$(state | sha256sum | cut -d' ' -f1)
is_done() { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.mmfan-$1" 2>/dev/null || true)" = "$want" ]; }
mark() { printf '%s\n' "$want" > "$venv/.mmfan-$1"; }
if is_done "$stage"; then exit 0; fi
stages=$stage  # all stand on segmentation, and the others on operators too

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; kill $(jobs -p) 2>/dev/null || true' EXIT
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }
section() { sed -n "/^# --- $1:/,/^\$/{/==/p}" "$pins"; }

# Fetches the wheels of the pins on its input, four at a time: asking the index takes longer than the bytes.
fetch() {
  local part
  rm -rf "${scratch:?}"/*
  awk -v parts="$scratch/pins." '{ print > (parts NR % 4) }'
  for part in "$scratch"/pins.*; do
    pip wheel -q --no-deps -w "$scratch/wheels" -r "$part" &
  done
}
finish() { for job in $(jobs -p); do wait "$job" || stop "a package could not be fetched, see above"; done; }
# What is compiled at installing would be compiled at first use as well, and most of torch is never used.
install() { pip install -q --no-compile "$@"; }

if ! is_done segmentation; then
  [ -x "$venv/bin/python" ] || { say "creating $venv with $("$python" --version)"; "$python" -m venv "$venv"; }
  for had in operators dev docs; do  # an environment keeps the stages that it had
    [ ! -e "$venv/.mmfan-$had" ] || stages="$stages $had"
  done
  rm -f "$venv"/.mmfan-*
  say "fetching torch, the OpenMMLab stack and what they need"
  fetch < <(section build; section segmentation)
  # with its dependencies: a CUDA build brings its libraries along, and which ones only it knows
  install -c "$pins" torch numpy &
  mmcv=$("$venv/bin/python" .ci/operators.py "$(section mmcv)" --operators none)
  finish
  say "installing them"
  install --no-index --no-deps "$scratch"/wheels/*.whl
  # reinstalled in any case: the one in an older environment may belong to another torch
  install --no-index --no-deps --force-reinstall "$mmcv"
  install --no-deps --no-build-isolation -e .
  say "checking that it imports"
  "$venv/bin/python" -c 'import mmfan; mmfan.check_environment("mmcv", "mmseg")'
  mark segmentation
fi

if [ "$stages" != segmentation ] && ! is_done operators; then
  say "detection: mmdet, and the operators of mmcv"
  fetch < <(section operators)
  finish
  install --no-index --no-deps "$scratch"/wheels/*.whl
  mmcv=$("$venv/bin/python" .ci/operators.py "$(section mmcv)")
  install --no-index --no-deps --force-reinstall "$mmcv"
  "$venv/bin/python" -c 'import mmfan, mmcv.ops; mmfan.check_environment("mmcv", "mmseg", "mmdet")'
  mark operators
fi

for one in dev docs; do
  case " $stages " in *" $one "*) ;; *) continue ;; esac
  say "what $one needs"
  fetch < <(section "$one")
  finish
  install --no-index --no-deps "$scratch"/wheels/*.whl
  mark "$one"
done
say "done: $venv. To enter it: source $venv/bin/activate"
