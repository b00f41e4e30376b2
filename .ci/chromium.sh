#!/usr/bin/env bash
# The distribution's Chromium, in which the report's page is tested: installed where it is missing and can be, as CI runs
# as root on Debian. Where it cannot, a word says why, and those tests are skipped.
set -euo pipefail
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
  if [ -n "$name" ] && command -v "$name" > /dev/null; then exit 0; fi
done
missing() { echo "chromium: $*; the tests of the report's page in a browser are skipped" >&2; exit 0; }
command -v apt-get > /dev/null || missing "there is no apt-get to install it with"
[ "$(id -u)" = 0 ] || missing "only root can install it (apt-get install chromium)"
export DEBIAN_FRONTEND=noninteractive
apt() { timeout 300 apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=120 "$@"; }
if ! { apt update && apt install --yes --no-install-recommends chromium; } > /dev/null 2>&1; then
  missing "apt-get could not install it"
fi
