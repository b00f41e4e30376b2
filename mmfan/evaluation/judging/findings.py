"""Findings of a preflight: every problem there is, raised together at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from mmfan.errors import MMFanError
from mmfan.utils.text import counted, shortlist


class PreflightError(MMFanError):
    """Something would fail, or be wrong, later; the message lists all that was found."""


@dataclass
class Findings:
    """What was found.

    Attributes:
        problems: One text each, naming the thing, what was expected, what was got, and the cure.
        notes: What is no problem, and should be known.
        cause: What the first problem that had one came from: a user's own code has its traceback there.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cause: BaseException | None = None

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Take in what mmfan or the system refuses within the block, instead of ending there."""
        try:
            yield
        except (MMFanError, OSError) as error:
            self.add(str(error))
            self.cause = self.cause or error.__cause__

    def add(self, problem: str) -> None:
        """Take in a problem, once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def add_of(self, things: Sequence[str], what: str, plural: str, cure: str = "") -> None:
        """Take in one problem that several things have, if there are any.

        >>> found = Findings()
        >>> found.add_of(["a.png", "b.png"], "picture is missing", "pictures are missing", "Fetch them.")
        >>> found.problems
        ['2 pictures are missing: a.png, b.png. Fetch them.']
        """
        if things:
            self.add(f"{counted(len(things), what, plural)}: {shortlist(list(things), 5)}. {cure}".rstrip())

    def conclude(self, before: str) -> None:
        """End the preflight.

        Args:
            before: What has not begun yet: ``'judging'``.

        Raises:
            PreflightError: There are problems.
        """
        if not self.problems:
            return
        listed = "".join(f"\n  {number}. {problem}" for number, problem in enumerate(self.problems, 1))
        raise PreflightError(
            f"The preflight found {counted(len(self.problems), 'problem')}, before {before} began:{listed}"
        ) from self.cause
