"""Runs of whole pages."""

import shutil
from pathlib import Path

from helpers.pages import PAGES, ROOT, Block, text_of

from page_runs.marks import is_tutorial, run_blocks
from page_runs.printed import missing, renewed
from page_runs.script import Failure, Printed, run_script, script_of, tail
from page_runs.stage import NAMES

# it makes a clone and an environment of its own
FROM_NOTHING = "docs/tutorials/five_minutes.md"
RUN_PAGES = [page for page in PAGES if run_blocks(page)]


def failures_of(blocks: list[Block], printed: Printed) -> list[Failure]:
    """What the blocks say and does not hold."""
    found = []
    if printed.status != 0:
        last = max(printed.texts, default=-1)
        block = blocks[last] if 0 <= last < len(blocks) else blocks[0]
        found.append(Failure(block.line, f"status {printed.status}\n{tail(printed.texts.get(last, ''))}"))
    for block, output in _shown(blocks, printed):
        lines = missing(block.text, output)
        if lines:
            found.append(Failure(block.line, "shown and not printed:\n" + "\n".join(lines)))
    return found


def _shown(blocks: list[Block], printed: Printed) -> list[tuple[Block, str]]:
    """The blocks that show an output, each with what the block before it printed; those of blocks that ended alone."""
    pairs, ran = [], -1
    for number, block in enumerate(blocks):
        if block.language != "output":
            ran = number
        elif ran in printed.seconds:
            pairs.append((block, printed.texts.get(ran, "")))
    return pairs


def run_page(page: str, folder: Path, log: Path, stage: Path | None = None) -> tuple[list[Failure], Printed]:
    """Run a page.

    Args:
        page: Relative to the repository's root.
        folder: An empty folder, or none yet.
        log: File for the whole output.
        stage: What is copied into the folder first, for pages that are no tutorials.
    """
    if stage is None:
        folder.mkdir(parents=True, exist_ok=True)
    else:
        shutil.copytree(stage, folder, dirs_exist_ok=True)
    own = page == FROM_NOTHING
    names = {"ADDRESS": str(ROOT)} if is_tutorial(page) else NAMES
    blocks = run_blocks(page)
    printed = run_script(script_of(blocks, names), folder, log, own=own)
    return failures_of(blocks, printed), printed


def renew(page: str, printed: Printed) -> bool:
    """Put the numbers that were printed into the outputs that a page shows; whether any changed."""
    old = new = text_of(page)
    for block, output in _shown(run_blocks(page), printed):
        new = new.replace(f"```output\n{block.text}", f"```output\n{renewed(block.text, output)}", 1)
    if new != old:
        (ROOT / page).write_text(new, encoding="utf-8")
    return new != old
