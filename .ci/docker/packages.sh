#!/usr/bin/env bash
# Packages of the system in an image of Debian or Ubuntu, and nothing left of their lists.
#
#   .ci/docker/packages.sh PACKAGE...
#
# APT   what is called   (default: apt-get; "apt-get --simulate" changes nothing)
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: $0 PACKAGE..." >&2; exit 2; }
read -r -a apt <<< "${APT:-apt-get}"
export DEBIAN_FRONTEND=noninteractive

apt-get update -q
"${apt[@]}" install -q --yes --no-install-recommends "$@"
"${apt[@]}" clean
[ "${APT:-apt-get}" != apt-get ] || rm -rf /var/lib/apt/lists/*
