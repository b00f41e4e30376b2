# overlay BASE PLACE: a virtual environment at PLACE that sees the packages of the one at BASE behind its own. To be sourced.
overlay() {
  "$1/bin/python" -m venv "$2"
  "$1/bin/python" -c 'import sys; print(*[p for p in sys.path if p.endswith("site-packages")], sep="\n")' \
    > "$(packages_of "$2")/zz_base.pth"
}
packages_of() { "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
