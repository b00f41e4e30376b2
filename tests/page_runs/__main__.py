"""The command behind ``make tutorials``: runs pages, and says what does not hold.

    make tutorials                                          all pages with commands that can be run
    make tutorials ARGS=docs/tutorials/corrupted_set.md     one of them
    make tutorials ARGS="--renew docs/tutorials"            and put the numbers printed into the pages

Exit status: 0 where every command ended as the page says and printed what it shows. Outputs and what the commands left
lie in work_dirs/pages/.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

from helpers.pages import ROOT

from page_runs.marks import is_tutorial
from page_runs.run import RUN_PAGES, renew, run_page
from page_runs.stage import build

KEPT = ROOT / "work_dirs/pages"


def chosen(wanted: list[str]) -> list[str]:
    """The pages of some paths, files or folders; all pages for none."""
    pages = [page for page in RUN_PAGES if not wanted or any(page.startswith(path.rstrip("/")) for path in wanted)]
    if not pages:
        raise SystemExit(f"none of {', '.join(wanted)} has commands that are run; these have: {', '.join(RUN_PAGES)}")
    return sorted(pages, key=lambda page: not is_tutorial(page))


def made_stage() -> Path:
    """The stage, made once."""
    stage = KEPT / "stage"
    if not (stage / "results").exists():
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        build(stage)
    return stage


def main() -> int:
    """Run the pages; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--renew", action="store_true", help="put the numbers that were printed into the pages")
    parser.add_argument("--list", action="store_true", help="say which pages are run")
    args = parser.parse_args()
    pages, failed = chosen(args.pages), 0
    if args.list:
        print("\n".join(pages))
        return 0
    stage = None if all(map(is_tutorial, pages)) else made_stage()
    for page in pages:
        name, begin = page.removesuffix(".md").replace("/", "-"), time.monotonic()
        folder = KEPT / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        failures, printed = run_page(page, folder, KEPT / f"{name}.log", None if is_tutorial(page) else stage)
        print(f"{'failed' if failures else 'ok':6} {time.monotonic() - begin:6.0f} s  {page}", flush=True)
        for failure in failures:
            print(f"{page}:{failure.line}: {failure.text}", file=sys.stderr, flush=True)
        failed += bool(failures)
        if args.renew and not failures and renew(page, printed):
            print(f"                 {page}: numbers renewed", flush=True)
    print(f"{len(pages) - failed} of {len(pages)} pages hold; outputs in {KEPT.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
