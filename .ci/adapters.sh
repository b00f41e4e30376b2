#!/usr/bin/env bash
# The adapters of mmfan.judge with the packages themselves: ONNX Runtime, OpenVINO, transformers, supervision in one
# environment; torchvision and Ultralytics in another, for transformers would import a torchvision that does not fit.
# Both are laid over VENV (torch and what the tests need come from there). Unchanged, they take no time. Needs the
# package index.
#
# VENV      the environment that .ci/setup.sh made   (default: .venv)
# ADAPTERS  where both go                            (default: .venv-adapters)
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/overlay.sh

base=$(cd "${VENV:-.venv}" && pwd)
work=${ADAPTERS:-.venv-adapters}
RUNTIMES=(onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 openvino==2026.4.1 transformers==5.24.0 supervision==0.31.2)
# Without what they ask for: they would bring another torch and another OpenCV.
VISION=(torchvision==0.28.0 ultralytics==8.4.190 ultralytics-thop==2.2.3 polars==2.1.0 polars-runtime-32==2.1.0)
say() { printf '[adapters %4d s] %s\n' "$SECONDS" "$*"; }

mkdir -p "$work"
work=$(cd "$work" && pwd)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} YOLO_CONFIG_DIR="$work/ultralytics" YOLO_OFFLINE=true
mkdir -p "$YOLO_CONFIG_DIR"

# lay NAME PACKAGES...: an environment that sees the packages of VENV, and this tree, behind its own.
lay() {
  local place=$work/$1 want
  shift
  want=$({ printf '%s\n' "$base" "$PWD" "$@"; "$base/bin/python" --version; } | sha256sum)
  if [ "$(cat "$place/.mmfan-adapters" 2>/dev/null)" = "$want" ]; then return; fi
  say "making $place"
  rm -rf "$place"
  overlay "$base" "$place"
  echo "$PWD" > "$(packages_of "$place")/aa_mmfan.pth"
  "$place/bin/pip" install -q --disable-pip-version-check "$@"
  echo "$want" > "$place/.mmfan-adapters"
}

lay runtimes "${RUNTIMES[@]}"
"$work/runtimes/bin/python" -c 'import onnx, onnxruntime, openvino, supervision, transformers'  # or their tests skip
"$work/runtimes/bin/python" -m pytest -rs tests/adapters tests/cli/commands/judge/test_onnx.py \
  tests/apis/test_export.py \
  tests/docs/test_api_examples.py::test_judging_models_of_other_libraries ${ARGS:-}

lay vision --no-deps "${VISION[@]}"
say "torchvision and Ultralytics"
"$work/vision/bin/python" -m pytest -rs tests/adapters/test_torchvision.py tests/adapters/test_ultralytics_results.py \
  ${ARGS:-}
say "done"
