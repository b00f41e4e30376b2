"""Pages of documentation, taken apart: fenced blocks, command lines, links, headings."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/tutorials/*.md"),
        *ROOT.glob("configs/**/README.md"),
        ROOT / "data/README.md",
    )
)
_FENCE = re.compile(r"^```(\w*)([^\n`]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_ASSIGNED = re.compile(r"(?:export )?([A-Za-z][A-Za-z0-9_]*)=(\"[^\"]*\"|'[^']*'|\$\(.*\)|\S*)\s*(?:#.*)?")
_BETWEEN = {"&&", "||", ";", "|"}


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        language: The word behind the fence; may be empty.
        words: The words behind that: marks for the tests, which no reader sees.
        text: What is inside.
        heading: The chapter (``##``) that it stands in.
        line: The line of the page that its text begins at.
    """

    language: str
    words: tuple[str, ...]
    text: str
    heading: str
    line: int


def text_of(page: str) -> str:
    """The whole page; ``page`` is relative to the repository's root."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for match in _FENCE.finditer(text):
        before = text[: match.start(3)]
        chapters = re.findall(r"^## (.+)$", _FENCE.sub("", before), re.MULTILINE)
        chapter, words = chapters[-1] if chapters else "", tuple(match.group(2).split())
        yield Block(match.group(1), words, match.group(3), chapter, before.count("\n") + 1)


def _without_blocks(text: str) -> str:
    return _FENCE.sub("", text)


def inline_code(text: str) -> list[str]:
    """What stands between single backticks."""
    return _CODE.findall(_without_blocks(text))


def links(text: str) -> list[str]:
    """Targets of links and pictures."""
    return _LINK.findall(_without_blocks(text))


def anchors(text: str) -> set[str]:
    """The names under which headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", _without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def shell_lines(text: str) -> Iterator[list[str]]:
    """The words of every command in the page's shell blocks, with the page's own variables put in.

    Raises:
        KeyError: A variable is used that the page does not set.
    """
    variables: dict[str, str] = {}
    for block in blocks(text):
        if block.language not in ("bash", "console", "sh", ""):
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            assigned = _ASSIGNED.fullmatch(line.strip())
            if assigned:
                # what a command gives is known when it is run
                value = "VALUE" if assigned.group(2).startswith("$(") else assigned.group(2).strip("\"'")
                variables[assigned.group(1)] = value
            elif "mmfan" in line:
                whole = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda name: variables[name.group(1) or name.group(2)], line)
                yield from _commands(shlex.split(whole, comments=True))


def _commands(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, ";"]:
        if word not in _BETWEEN:
            command.append(word)
        elif command:
            yield command
            command = []


def mmfan_arguments(words: list[str]) -> list[str] | None:
    """What ``mmfan`` is given by a command, or None if the command is another one."""
    if words[:1] == ["mmfan"]:
        return words[1:]
    for place in range(len(words) - 1):
        if words[place : place + 2] == ["-m", "mmfan"]:
            return words[place + 2 :]
    return None
