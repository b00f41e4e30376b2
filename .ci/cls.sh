#!/usr/bin/env bash
# Classifiers with mmpretrain itself: the ImageNet recipes, mmpretrain's models under the judge. In an environment laid
# over VENV (torch and OpenMMLab come from there). Unchanged, it takes no time. Needs the package index.
#
# VENV  the environment that .ci/setup.sh made   (default: .venv)
# CLS   where it goes                            (default: .venv-cls)
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/overlay.sh

base=$(cd "${VENV:-.venv}" && pwd)
place=${CLS:-.venv-cls}
PACKAGES=(onedl-mmpretrain==1.3.6 model-index==0.1.11)
# Without what it asks for, another build of torch. Its Python is all that mmpretrain needs here: that its compiled
# operators do not fit a torch for CPUs, tests/pretraining/conftest.py gets over.
ALONE=(torchvision==0.28.0)
say() { printf '[cls %4d s] %s\n' "$SECONDS" "$*"; }

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
want=$({ printf '%s\n' "$base" "$PWD" "${PACKAGES[@]}" "${ALONE[@]}"; "$base/bin/python" --version; } | sha256sum)
if [ "$(cat "$place/.mmfan-cls" 2>/dev/null || true)" != "$want" ]; then
  say "making $place"
  rm -rf "$place"
  overlay "$base" "$place"
  echo "$PWD" > "$(packages_of "$place")/aa_mmfan.pth"
  "$place/bin/pip" install -q --disable-pip-version-check "${PACKAGES[@]}"
  "$place/bin/pip" install -q --disable-pip-version-check --no-deps "${ALONE[@]}"
  echo "$want" > "$place/.mmfan-cls"
fi
"$place/bin/python" -c 'import mmpretrain'  # or its tests skip
"$place/bin/python" -m pytest -rs tests/pretraining tests/training/classification tests/models/test_classifier.py ${ARGS:-}
say "done"
