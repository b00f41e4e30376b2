"""The choice of a corruption for a picture: names and groups spelt out, one of several cells by uniform draws.

Plain Python: the transform and the tools agree on names through this file.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex

from mmfan.corruptions import BUILT_IN, CBAR, COMMON, CORRUPTIONS, EXTRA, GROUPS, cell, corruption_names, get_corruption
from mmfan.errors import MMFanError
from mmfan.utils.checks import whole_number
from mmfan.utils.text import did_you_mean

CLEAN = cell.CLEAN.corruption
# What a name that is no corruption may stand for; the groups of corruptions that users added come on top.
COLLECTIONS = {"common": COMMON, "extra": EXTRA, "cbar": CBAR, **GROUPS}


def expand_corruptions(wanted: str | Sequence[str]) -> tuple[str, ...]:
    """The corruptions that names and names of groups stand for.

    Args:
        wanted: A name or several. Each is a corruption, ``'common'`` (the 15 of the benchmark), ``'extra'`` (the 4 held
            out), ``'all'`` (these 19 and the ones users added), ``'cbar'`` (the ten of ImageNet-C-bar), or a group:
            ``'noise'``, ``'blur'``, ``'weather'``, ``'digital'`` or one that a user's corruption was registered with.

    Returns:
        Their names, each once, in the order asked for.

    Raises:
        MMFanError: There is neither a corruption nor a group of that name, or none was given.

    >>> expand_corruptions("noise")
    ('gaussian_noise', 'shot_noise', 'impulse_noise', 'speckle_noise')
    >>> expand_corruptions(["fog", "extra", "spatter"])
    ('fog', 'speckle_noise', 'gaussian_blur', 'spatter', 'saturate')
    """
    names = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
    if not names:
        raise MMFanError("Expected at least one corruption or group, got none.")
    return tuple(dict.fromkeys(name for item in names for name in _members(item)))


def _members(item: object) -> tuple[str, ...]:
    known = corruption_names()
    if item in known:
        return (str(item),)
    added = known[len(BUILT_IN) :]
    if item == "all":
        return CORRUPTIONS + added
    members = (*COLLECTIONS.get(str(item), ()), *(name for name in added if get_corruption(name).group == item))
    if members:
        return members
    every = (*known, *COLLECTIONS, "all")
    meant = did_you_mean(item, every)
    clean = " Clean pictures among corrupted ones are a matter of `prob`." if item == CLEAN else ""
    raise MMFanError(
        f"There is no corruption or group {item!r}.{meant}{clean} Corruptions: {', '.join(known)}; groups: "
        f"{', '.join((*COLLECTIONS, 'all'))}."
    )


def check_severities(corruption: str, severities: Sequence[SupportsIndex]) -> tuple[int, ...]:
    """The severities as whole numbers that ``corruption`` has.

    Raises:
        UnknownCorruptionError: There is no such corruption.
        MMFanError: One of them is no whole number or not among its severities, or none was given.
    """
    has = get_corruption(corruption).severities
    found = []
    for severity in severities:
        try:
            level = None if isinstance(severity, bool) else operator.index(severity)
        except TypeError:
            level = None
        if level not in has:
            raise MMFanError(f"{corruption} has the severities {', '.join(map(str, has))}, got {severity!r}.")
        found.append(level)
    if not found:
        raise MMFanError("Expected at least one severity, got none.")
    return tuple(dict.fromkeys(found))


def check_seed(seed: int | None) -> int | None:
    """The base seed as an int.

    Raises:
        MMFanError: It is neither ``None`` nor a whole number of at least 0.
    """
    return None if seed is None else whole_number("seed", seed, 0)


@dataclass(frozen=True)
class Choices:
    """The cells that a picture may get.

    Attributes:
        corruptions: Their names; each is as likely as the others.
        severities: Each is as likely as the others.
        prob: Probability that the picture is corrupted at all.
    """

    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    prob: float = 1.0

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.corruptions) == len(self.severities) == 1 and self.prob == 1

    def pick(self, draws: Sequence[float]) -> tuple[str, int]:
        """One cell.

        Args:
            draws: Three numbers in ``[0, 1)``, for whether, which corruption, and which severity.

        Returns:
            Corruption and severity; ``('clean', 0)`` where the picture stays as it is.
        """
        whether, which, how_much = draws
        if whether >= self.prob:
            return CLEAN, 0
        corruption = self.corruptions[int(which * len(self.corruptions))]
        return corruption, self.severities[int(how_much * len(self.severities))]


def make_choices(
    corruption: str | Sequence[str], severity: SupportsIndex | Sequence[SupportsIndex], prob: float = 1.0
) -> Choices:
    """Check and spell out what :class:`mmfan.Corrupt` was asked for.

    Args:
        corruption: ``'clean'``, or as :func:`expand_corruptions` takes it.
        severity: One severity or several; 0 with ``'clean'``.
        prob: 0 to 1.

    Raises:
        MMFanError: A name, a severity or the probability is out of range, or 0 and ``'clean'`` do not come together.
    """
    if isinstance(prob, bool) or not isinstance(prob, (int, float)) or not 0 <= prob <= 1:
        raise MMFanError(f"Expected `prob` to be 0 to 1, got {prob!r}.")
    levels = [severity] if not isinstance(severity, (list, tuple)) else list(severity)
    if corruption == CLEAN:
        if levels != [0] or isinstance(levels[0], bool):
            raise MMFanError(f"The corruption 'clean' has the severity 0, got {severity!r}.")
        return Choices((CLEAN,), (0,))
    names = expand_corruptions(corruption)
    if levels == [0]:
        raise MMFanError(f"Severity 0 is the clean picture: it goes with corruption='clean', got {corruption!r}.")
    checked = [check_severities(name, levels) for name in names]  # type: ignore[arg-type]
    return Choices(names, checked[0], float(prob))
