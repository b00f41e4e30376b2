#!/usr/bin/env bash
# The user of an image, who owns nothing of it but /work; and /cache, where any user may write.
#
#   .ci/docker/user.sh [ROOT]
#
# ROOT   the folder that /work and /cache are made in, for a trial; no user is made then   (default: /)
set -euo pipefail

root=${1:-/}
# an ID that no base image gives away (Ubuntu's has a user of 1000)
[ "$root" != / ] || useradd --create-home --uid 10001 --shell /bin/bash mmfan
mkdir -p "${root%/}/work" "${root%/}/cache"
chmod 1777 "${root%/}/cache"
chown 10001:10001 "${root%/}/work"
