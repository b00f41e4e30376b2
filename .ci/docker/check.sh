#!/usr/bin/env bash
# What the Dockerfile does, without Docker: its context, the scripts of its RUN lines, what the environment asks of a
# system. Needs the package index; as root on Debian or Ubuntu it also asks for the packages and proves as another user.
#
# CHECK    where things are made        (default: a temporary folder)
# PYTHON   as in the image              (default: python3)
set -euo pipefail
cd "$(dirname "$0")/../.."

work=${CHECK:-$(mktemp -d)}
say() { printf '[docker %3d s] %s\n' "$SECONDS" "$*"; }
stop() { say "$*" >&2; exit 1; }
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src" "$work/image"
chmod 755 "$work"

say "the context, as .dockerignore leaves it"
sed -n 's/^!//p' .dockerignore | while read -r name; do cp -r "$name" "$work/src/"; done
find "$work/src" -name __pycache__ -prune -exec rm -rf {} +

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  grep -o 'packages\.sh [^&]*' Dockerfile | while read -r _ packages; do
    say "packages: $packages"
    # shellcheck disable=SC2086  # one word a package
    APT="apt-get --simulate" .ci/docker/packages.sh $packages > "$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; exit 1; }
  done
fi

say "the environment, with operators for the CPU"
(cd "$work/src" && OPERATORS=cpu .ci/docker/environment.sh "$work/opt/mmfan")
mv "$work/src" "$work/gone" # nothing of the image may still lead there
say "the proof, as the stage that builds runs it"
.ci/docker/prove.sh "$work/opt/mmfan"

if [ "$(id -u)" = 0 ]; then
  .ci/docker/user.sh "$work/image"
  [ "$(stat -c '%u %a' "$work/image/work" "$work/image/cache" | xargs)" = "10001 755 0 1777" ] || stop "wrong owners"
  nobody=(setpriv --reuid=54321 --regid=54321 --clear-groups env HOME=/nonexistent)
  if "${nobody[@]}" "$work/opt/mmfan/bin/python" -c '' 2> /dev/null; then
    say "the proof, as a user without name, home or rights in the environment"
    cp -r .ci/docker "$work/opt/ci"
    # shellcheck disable=SC2016  # the inner shell puts them in
    "${nobody[@]}" env -u PYTHONPATH bash -c 'cd / && exec "$1"/ci/prove.sh "$1"/mmfan' - "$work/opt"
  else
    say "not proved as another user, who cannot read $("$work/opt/mmfan/bin/python" -c 'import sys; print(sys.base_prefix)')"
  fi
fi

say "libraries that the system must bring"
"$work/opt/mmfan/bin/python" - "$work/opt/mmfan" <<'P'
import re, subprocess, sys
from pathlib import Path

# in every image of Debian and Ubuntu, the slim ones too: the C library, that of GCC, and zlib, which dpkg needs
THERE = re.compile(r"(ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libutil|libgcc_s|libstdc\+\+|libz)\.so\.\d")
# numba's ways to run loops in parallel: it does without those that cannot be loaded, and mmfan's loops use none
OPTIONAL = ("omppool.", "tbbpool.")
own = {path.name for path in Path(sys.argv[1]).rglob("*.so*")}
files = [path for path in Path(sys.argv[1]).rglob("*.so*") if path.is_file() and not path.name.startswith(OPTIONAL)]
missing = {}
for path in files:
    told = subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", told):
        if name not in own and not THERE.fullmatch(name):
            missing.setdefault(name, []).append(path.name)
for name, users in sorted(missing.items()):
    print(f"  {name}: needed by {', '.join(sorted(set(users))[:3])}")
sys.exit(bool(missing))
P
say "no others than a slim image has"
