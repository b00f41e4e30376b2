"""One script of all blocks of a page that are run, and what each of them printed."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from helpers.pages import ROOT, Block

from page_runs.marks import SHELLS, mark

SIGN = "@@ block"
SHOWN_OF_A_FAILURE = 40


class Failure(NamedTuple):
    """What a page says and does not hold.

    Attributes:
        line: The line of the page.
        text: What is wrong.
    """

    line: int
    text: str


class Printed(NamedTuple):
    """What the blocks of a page printed.

    Attributes:
        texts: Number of the block -> its output, of those that began.
        seconds: Number of the block -> how long it took, of those that ended.
        status: Of the script.
    """

    texts: dict[int, str]
    seconds: dict[int, float]
    status: int


def script_of(blocks: Sequence[Block], names: dict[str, str]) -> str:
    """The script; it ends with the first command that fails.

    Args:
        blocks: Of a page.
        names: What stands for a name such as CONFIG.
    """
    parts = ["set -euo pipefail"]
    for number, block in enumerate(blocks):
        if block.language == "output":
            continue
        text = block.text
        for name, value in names.items():
            text = re.sub(rf"(?<![\w$.-]){name}(?![\w.-])", value, text)
        parts.append(f"echo; echo '{SIGN} {number}'")
        if mark(block, "file"):
            parts.append(f"cat > '{mark(block, 'file')}' <<'END_OF_FILE'\n{text}END_OF_FILE")
        elif block.language == "python":
            parts.append(f"python - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON")
        elif mark(block, "exit"):
            status = mark(block, "exit")
            parts.append(f"set +e; (set -e\n{text}); status=$?; set -e; [ $status = {status} ]")
        else:
            assert block.language in SHELLS
            parts.append(text)
    return "\n".join([*parts, f"echo; echo '{SIGN} {len(blocks)}'"])


def environment(own: bool) -> dict[str, str]:
    """Variables for the script: the commands of this environment first, or those of the system alone.

    Args:
        own: The page makes its own environment.
    """
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "VENV")}
    here = str(Path(sys.executable).parent)
    path = [place for place in variables.get("PATH", os.defpath).split(os.pathsep) if place != here]
    variables["PATH"] = os.pathsep.join(path if own else [here, *path])
    return variables


def run_script(text: str, folder: Path, log: Path, *, own: bool = False, timeout: float = 3600) -> Printed:
    """Run a script in a folder; its whole output goes into a log too."""
    texts: dict[int, list[str]] = {}
    begun: dict[int, float] = {}
    number, start = -1, time.monotonic()
    with open(log, "w", buffering=1, encoding="utf-8") as kept:
        process = subprocess.Popen(
            ["bash", "-c", text], cwd=folder, env=environment(own), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            for line in _lines(process, start + timeout):
                kept.write(line)
                if line.startswith(SIGN):
                    number = int(line.removeprefix(SIGN))
                    begun[number] = time.monotonic()
                else:
                    texts.setdefault(number, []).append(line)
            status = process.wait()
        finally:
            _end(process)
    order = sorted(begun)
    seconds = {one: begun[then] - begun[one] for one, then in itertools.pairwise(order)}
    return Printed({one: "".join(lines) for one, lines in texts.items()}, seconds, status)


def _lines(process: subprocess.Popen[str], until: float) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if time.monotonic() > until:
            yield "the time for this page is over\n"
            return


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tail(text: str) -> str:
    """The end of an output."""
    return "\n".join(text.rstrip().splitlines()[-SHOWN_OF_A_FAILURE:])


__all__ = ["ROOT", "Failure", "Printed", "run_script", "script_of", "tail"]
