"""Words for messages and tables: counted nouns, lists that end, names for people."""

from __future__ import annotations

from collections.abc import Sequence


def shortlist(names: Sequence[str], shown: int = 3) -> str:
    """The first few names and how many more there are.

    >>> shortlist(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    >>> shortlist(["a", "b"])
    'a, b'
    """
    text = ", ".join(names[:shown])
    return f"{text} and {len(names) - shown} more" if len(names) > shown else text


def counted(number: int, what: str, plural: str = "") -> str:
    """A number of things.

    >>> counted(1, "cell"), counted(72, "cell"), counted(2, "class", "classes")
    ('1 cell', '72 cells', '2 classes')
    """
    return f"{number} {what if number == 1 else plural or f'{what}s'}"


def spoken(name: str) -> str:
    """A corruption's name for people.

    >>> spoken("jpeg_compression")
    'jpeg compression'
    """
    return name.replace("_", " ")
