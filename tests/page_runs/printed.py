"""Comparison of what a page shows of an output with what was printed: the same lines, apart from their numbers."""

import re

GAP = "..."
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"


def form(line: str) -> str:
    """A line without its digits and without the widths of its columns.

    >>> form("| fog   |  63.2 |")
    '| fog | # |'
    >>> form("+------+") == form("+---+")
    True
    """
    line = re.sub(NUMBER, "#", line.strip())
    return re.sub(r"-{2,}", "--", re.sub(r"\s+", " ", line))


def fits(shown: str, printed: str) -> bool:
    """Whether a printed line is what a shown one stands for."""
    if GAP not in shown:
        return form(shown) == form(printed)
    parts = [re.escape(form(part)) for part in shown.split(GAP)]
    return re.fullmatch(r"\s*.*?\s*".join(parts), form(printed)) is not None


def pieces(shown: str) -> list[list[str]]:
    """The lines between the gaps."""
    found: list[list[str]] = [[]]
    for line in shown.splitlines():
        if line.strip() == GAP:
            found.append([])
        elif line.strip():
            found[-1].append(line)
    return [piece for piece in found if piece]


def place_of(piece: list[str], printed: list[str], start: int) -> int | None:
    """Where the lines of a piece stand one after the other; None if nowhere."""
    for place in range(start, len(printed) - len(piece) + 1):
        if all(fits(shown, line) for shown, line in zip(piece, printed[place : place + len(piece)], strict=True)):
            return place
    return None


def missing(shown: str, printed: str) -> list[str]:
    """The lines that a page shows and that were not printed, with those that belong to them; empty if all were."""
    lines, start = [line for line in printed.splitlines() if line.strip()], 0
    for piece in pieces(shown):
        place = place_of(piece, lines, start)
        if place is None:
            return piece
        start = place + len(piece)
    return []


def filled(shown: str, printed: str) -> str:
    """A shown line with the numbers of the printed one: the whole line where it has no gap.

    >>> filled("clean: 7.5 %, 2.0 s, ...", "clean: 8.1 %, 3.1 s, 9 s left")
    'clean: 8.1 %, 3.1 s, ...'
    """
    if GAP not in shown:
        return printed.rstrip()
    parts = re.split(rf"({NUMBER}|{re.escape(GAP)})", shown.strip())
    pattern = ""
    for place, part in enumerate(parts):
        literal = re.sub(r"(?:\\-){2,}", "-+", re.sub(r"(?:\\ )+", r"\\s*", re.escape(part)))
        pattern += literal if place % 2 == 0 else ".*?" if part == GAP else f"({NUMBER})"
    found = re.fullmatch(pattern, printed.strip())
    numbers = iter(found.groups() if found else re.findall(NUMBER, shown))
    return "".join(next(numbers) if place % 2 and part != GAP else part for place, part in enumerate(parts))


def renewed(shown: str, printed: str) -> str:
    """What a page shows with the numbers that were printed; nothing else is changed."""
    lines, start, new = [line for line in printed.splitlines() if line.strip()], 0, iter(shown.splitlines())
    found: dict[str, list[str]] = {}
    for piece in pieces(shown):
        place = place_of(piece, lines, start)
        if place is None:
            return shown
        for old, line in zip(piece, lines[place : place + len(piece)], strict=True):
            found.setdefault(old, []).append(filled(old, line))
        start = place + len(piece)
    return "\n".join(found[line].pop(0) if found.get(line) else line for line in new) + "\n"
