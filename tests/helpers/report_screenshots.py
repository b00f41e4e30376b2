"""The screenshots of docs/report.md, from a page that `mmfan report` wrote, with pictures.

PYTHONPATH=tests python -m helpers.report_screenshots report.html docs/images
"""

import sys
from pathlib import Path

from PIL import Image

from helpers.browser import Page, browser, chromium

WIDTH, HEIGHT = 1200, 760


def to(page: Page, name: str) -> None:
    """Scroll to a part of the page."""
    page.run(f"document.getElementById('{name}').scrollIntoView({{behavior: 'instant'}})")


def slide(page: Page, corruption: str, steps: int) -> None:
    """Choose a type of corruption and a severity of it in the viewer."""
    choose = "document.querySelector('select[aria-label=Corruption]')"
    page.run(f"{choose}.value = '{corruption}'; {choose}.dispatchEvent(new Event('change'))")
    page.run("document.querySelector('.viewing input[type=range]').focus()")
    for _ in range(steps):
        page.press("ArrowRight")
    page.run("document.activeElement.blur()")


def take(source: Path, folder: Path) -> list[Path]:
    """Take them all; the paths of the pictures."""
    program = chromium()
    if program is None:
        raise SystemExit("There is no Chromium here.")
    paths = [folder / f"report_{name}.png" for name in ("top", "viewer", "cells_dark", "phone")]
    with browser(program) as running:
        page = running.page()
        page.look(width=WIDTH, height=HEIGHT)
        page.open(source)
        page.shot(paths[0])
        slide(page, "fog", 2)
        to(page, "pictures")
        page.shot(paths[1])
        page.look(width=WIDTH, height=HEIGHT, scheme="dark")
        page.open(source)
        to(page, "cells")
        page.shot(paths[2])
        page.look(width=390, height=HEIGHT)
        page.open(source)
        slide(page, "fog", 2)
        to(page, "pictures")
        page.shot(paths[3])
    for path in paths:
        Image.open(path).convert("RGB").save(path, optimize=True)
    return paths


if __name__ == "__main__":
    for made in take(Path(sys.argv[1]), Path(sys.argv[2])):
        print(f"{made}: {made.stat().st_size / 1000:.0f} kB")
