#!/usr/bin/env bash
# Make .venv: the pinned OpenMMLab stack, then mmfan editable. Safe to repeat: an unchanged environment takes a second.
#
#   .ci/setup.sh                    # CPU build
#   FORCE_CUDA=1 TORCH_CUDA_ARCH_LIST=9.0 .ci/setup.sh    # compiled operators for one GPU architecture
#
# VENV        where to put the environment      (default: .venv)
# PYTHON      the interpreter to start from     (default: python3)
# MMFAN_CACHE where built wheels are kept       (default: $XDG_CACHE_HOME/mmfan or ~/.cache/mmfan)
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
python=${PYTHON:-python3}
cache=${MMFAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mmfan}
pins=constraints.txt
say() { printf '[setup] %s\n' "$*"; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  { say "Python 3.10 or newer is needed, got $("$python" --version); set PYTHON=/path/to/python3" >&2; exit 1; }

# The stamp holds everything the environment depends on; equal means there is nothing to do.
state() { cat "$0" "$pins" pyproject.toml; printf '%s\n' "$PWD" "$("$python" --version)" "${FORCE_CUDA:-0}" "${TORCH_CUDA_ARCH_LIST:-}"; }
want=$(state | sha256sum | cut -d' ' -f1)
if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.mmfan-setup" 2>/dev/null || true)" = "$want" ]; then
  exit 0
fi

started=$SECONDS
[ -x "$venv/bin/python" ] || { say "creating $venv with $("$python" --version)"; "$python" -m venv "$venv"; }
rm -f "$venv/.mmfan-setup"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

say "1/4 build tools and torch"
pip install -q -c "$pins" pip setuptools wheel ninja numpy psutil
pip install -q -c "$pins" torch

# onedl-mmcv is published as source only. It is compiled against the torch just installed, and the wheel is kept
# under a name that holds everything it was compiled for.
mmcv=$(sed -n 's/^onedl-mmcv==//p' "$pins")
torch=$("$venv/bin/python" -c 'import torch; print(torch.__version__)')
tag=$("$venv/bin/python" -c 'import sys, sysconfig; print("cp%d%d-" % sys.version_info[:2] + sysconfig.get_platform())')
cuda=cpu; [ "${FORCE_CUDA:-0}" = 1 ] && cuda="cuda-${TORCH_CUDA_ARCH_LIST:-all}"
built="$cache/mmcv-$mmcv-torch-$torch-$tag-${cuda//[; ]/_}"
if ! ls "$built"/onedl_mmcv-*.whl >/dev/null 2>&1; then
  say "2/4 onedl-mmcv $mmcv: compiling its operators against torch $torch (about 9 minutes on 2 cores, once)"
  mkdir -p "$built"
  new=$(mktemp -d "$built.XXXXXX")
  trap 'rm -rf "$new"' EXIT
  # pip's own cache knows nothing of torch: it would hand out a wheel that was compiled against another one
  MMCV_WITH_OPS=1 MAX_JOBS=${MAX_JOBS:-$(nproc)} pip wheel --no-cache-dir --no-deps --no-build-isolation \
    --no-binary onedl-mmcv -q -w "$new" "onedl-mmcv==$mmcv" &
  build=$!
  while kill -0 "$build" 2>/dev/null; do sleep 1; ((SECONDS % 30)) || say "    still compiling, $((SECONDS - started)) s"; done
  wait "$build"
  mv "$new"/*.whl "$built"/
fi
say "2/4 onedl-mmcv $mmcv from $built"
# reinstalled in any case: the one in an older environment may belong to another torch
pip install -q --force-reinstall --no-deps "$built"/onedl_mmcv-*.whl

say "3/4 mmfan, the rest of the stack and the development tools"
pip install -q -c "$pins" -e '.[onedl,dev]'

say "4/4 checking that it imports"
"$venv/bin/python" -c 'import mmfan; mmfan.check_environment("mmcv", "mmseg", "mmdet"); import mmcv.ops'
printf '%s\n' "$want" > "$venv/.mmfan-setup"
say "done in $((SECONDS - started)) s: $venv"
