#!/usr/bin/env bash
# The environment of an image: that of .ci/setup.sh with operators, and mmfan as a package rather than as this checkout.
#
#   .ci/docker/environment.sh PREFIX
#
# The variables of .ci/setup.sh (PYTHON, MMFAN_CACHE, OPERATORS, FORCE_CUDA, ...) hold here as well.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 PREFIX" >&2; exit 2; }
mkdir -p "$1"
prefix=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

VENV=$prefix .ci/setup.sh operators
pip() { "$prefix/bin/python" -m pip --disable-pip-version-check "$@"; }
pip uninstall -q --yes mmfan
pip install -q --no-deps --no-build-isolation --no-compile .
rm -f "$prefix"/.mmfan-*
