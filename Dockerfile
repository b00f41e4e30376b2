# Images of mmfan with segmentation and detection: the command `mmfan` on the pinned stack of constraints.txt.
#
#   make docker                      # mmfan:cpu
#   make docker CUDA=1 ARCH=9.0      # mmfan:cuda, operators for the GPU architectures of ARCH, e.g. "8.0;9.0"
#
#   docker run --rm -v .:/work --user "$(id -u):$(id -g)" mmfan:cpu mini cityscapes data/mini_cityscapes
#   docker run --rm --gpus all --ipc=host -v .:/work --user "$(id -u):$(id -g)" mmfan:cuda train fan_segformer_mini
#
# Weights that are fetched and what is compiled at first use go to /cache: mount a volume there to keep them.
#
# What has been tried: mmfan:cpu was built and proved by buildah, with Debian bookworm and its own Python in the place of
# CPU_BASE (1.9 GB), and run as a user without a name. The base images named here could not be fetched there, and the
# stages for CUDA have never been built: should a tag not exist, these arguments are the place. `make test-docker` runs
# what the RUN lines call without Docker.

ARG CPU_BASE=python:3.11-slim-bookworm
# of the CUDA that the pinned torch is built with; the runtime needs nothing of it, torch's wheels bring their libraries
ARG CUDA_BUILD_BASE=nvidia/cuda:13.0.2-devel-ubuntu24.04
ARG CUDA_BASE=nvidia/cuda:13.0.2-base-ubuntu24.04

# --- for the CPU
FROM ${CPU_BASE} AS cpu-build
WORKDIR /src
COPY .ci .ci
RUN .ci/docker/packages.sh g++
COPY . .
# the address of PyTorch's builds for the CPU, which its install page names: a tenth of the size of those with CUDA
ARG TORCH_INDEX=
ENV PIP_EXTRA_INDEX_URL=${TORCH_INDEX} OPERATORS=cpu
RUN --mount=type=cache,target=/root/.cache .ci/docker/environment.sh /opt/mmfan
RUN .ci/docker/prove.sh /opt/mmfan

FROM ${CPU_BASE} AS cpu
COPY .ci/docker /opt/ci
RUN /opt/ci/user.sh
COPY --from=cpu-build /opt/mmfan /opt/mmfan
ENV PATH=/opt/mmfan/bin:${PATH} XDG_CACHE_HOME=/cache NUMBA_CACHE_DIR=/cache/numba MPLCONFIGDIR=/cache/matplotlib
USER 10001:10001
WORKDIR /work
RUN /opt/ci/prove.sh /opt/mmfan
ENTRYPOINT ["mmfan"]
CMD ["--help"]

# --- for CUDA
FROM ${CUDA_BUILD_BASE} AS cuda-build
WORKDIR /src
COPY .ci .ci
RUN .ci/docker/packages.sh g++ python3 python3-dev python3-venv
COPY . .
ARG ARCH=9.0
ENV FORCE_CUDA=1 TORCH_CUDA_ARCH_LIST=${ARCH}
RUN --mount=type=cache,target=/root/.cache .ci/docker/environment.sh /opt/mmfan
RUN .ci/docker/prove.sh /opt/mmfan

FROM ${CUDA_BASE} AS cuda
COPY .ci/docker /opt/ci
RUN /opt/ci/packages.sh python3 && /opt/ci/user.sh
COPY --from=cuda-build /opt/mmfan /opt/mmfan
ENV PATH=/opt/mmfan/bin:${PATH} XDG_CACHE_HOME=/cache NUMBA_CACHE_DIR=/cache/numba MPLCONFIGDIR=/cache/matplotlib
USER 10001:10001
WORKDIR /work
RUN /opt/ci/prove.sh /opt/mmfan
ENTRYPOINT ["mmfan"]
CMD ["--help"]
