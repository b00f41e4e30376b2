#!/usr/bin/env bash
# `make docker`: an image of the Dockerfile, for the CPU or for CUDA.
#
# CUDA=1        mmfan:cuda                               (default: mmfan:cpu)
# ARCH          GPU architectures of the operators       (default: the Dockerfile's)
# TORCH_INDEX   where pip finds torch without CUDA       (default: none; the package index has it with CUDA alone)
# DOCKER        docker, or what takes its options: podman (default: docker)
#
# Arguments go to `docker build`: --build-arg CPU_BASE=python:3.12-slim-bookworm, --no-cache, ...
set -euo pipefail
cd "$(dirname "$0")/../.."

docker=${DOCKER:-docker}
command -v "$docker" > /dev/null || { echo "$docker is not installed here; set DOCKER=podman for podman" >&2; exit 1; }
kind=cpu
[ "${CUDA:-0}" != 1 ] || kind=cuda
options=(--target "$kind" --tag "mmfan:$kind")
[ -z "${ARCH:-}" ] || options+=(--build-arg "ARCH=$ARCH")
[ -z "${TORCH_INDEX:-}" ] || options+=(--build-arg "TORCH_INDEX=$TORCH_INDEX")
DOCKER_BUILDKIT=1 "$docker" build "${options[@]}" "$@" .
