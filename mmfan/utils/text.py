"""Words for messages and tables: counted nouns, lists that end, durations, nearest names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence


def shortlist(names: Sequence[str], shown: int = 3) -> str:
    """The first few names and how many more there are.

    >>> shortlist(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    >>> shortlist(["a", "b"])
    'a, b'
    """
    text = ", ".join(names[:shown])
    return f"{text} and {len(names) - shown} more" if len(names) > shown else text


# control characters, line breaks of Unicode among them, signs that turn the direction of writing, halves of pairs
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str, most: int = 2000) -> str:
    r"""A text that a terminal or a log shows as it is, in one line: what would steer either is written as an escape.

    Line feeds become blanks.

    Args:
        text: Any.
        most: Letters; of a longer text the begin and the end are kept.

    >>> one_line("a model\n  of two lines"), one_line("fan\x1b[2J")
    ('a model of two lines', 'fan\\x1b[2J')
    """
    plain = re.sub(r" *\n\s*", " ", text)
    plain = UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), plain)
    half = most // 2
    return plain if len(plain) <= most else f"{plain[:half]} ... {plain[-half:]}"


def counted(number: int, what: str, plural: str = "") -> str:
    """A number of things.

    >>> counted(1, "cell"), counted(72, "cell"), counted(2, "class", "classes")
    ('1 cell', '72 cells', '2 classes')
    """
    return f"{number} {what if number == 1 else plural or f'{what}s'}"


def signed(points: float) -> str:
    """A difference in points, of one digit, which is no negative one where it rounds to nothing.

    >>> signed(4.36), signed(-0.96), signed(-0.04)
    ('+4.4', '-1.0', '+0.0')
    """
    return f"{round(points, 1) + 0.0:+.1f}"


def spoken(name: str) -> str:
    """A corruption's name for people.

    >>> spoken("jpeg_compression")
    'jpeg compression'
    """
    return name.replace("_", " ")


def duration(seconds: float) -> str:
    """A duration in its two largest units.

    >>> duration(42.4), duration(190), duration(9000)
    ('42 s', '3 min 10 s', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def nearest(name: object, names: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The one of ``names`` that ``name`` most likely means, whatever its case, hyphens and blanks.

    Args:
        name: What was written; anything with a text.
        names: What there is.
        cutoff: Least similarity from 0 to 1, as in :func:`difflib.get_close_matches`.

    Returns:
        None where none is near.

    >>> nearest("Gaussian-noise", ["fog", "gaussian_noise"]), nearest("haze", ["fog", "snow"])
    ('gaussian_noise', None)
    """
    plain = {_plain(known): known for known in names}
    near = difflib.get_close_matches(_plain(str(name)), plain, n=1, cutoff=cutoff)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def did_you_mean(name: object, names: Iterable[str], cutoff: float = 0.5) -> str:
    """A question to append to a message that refuses ``name``; empty where nothing is near. See :func:`nearest`.

    >>> did_you_mean("fogg", ["fog", "snow"]), did_you_mean("haze", ["fog", "snow"])
    (" Did you mean 'fog'?", '')
    """
    near = nearest(name, names, cutoff)
    return "" if near is None else f" Did you mean {near!r}?"
