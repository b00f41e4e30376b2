"""Shards: the parts of some work that several processes or machines share, and which of them is whose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from mmfan.errors import MMFanError

Item = TypeVar("Item")


class Shard(NamedTuple):
    """One of several equal parts of the work.

    Attributes:
        number: 1 to ``total``.
        total: How many parts there are.
    """

    number: int = 1
    total: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    @property
    def label(self) -> str:
        """As names of files have it: ``'1-of-4'``."""
        return f"{self.number}-of-{self.total}"

    def part_of(self, items: Sequence[Item]) -> Sequence[Item]:
        """This part of ``items``: every ``total``-th, so that all parts take about the same time."""
        return items[self.number - 1 :: self.total]


WHOLE = Shard()


def parse_shard(text: str) -> Shard:
    """Read ``i/n``.

    Raises:
        MMFanError: It is not of that form, or ``i`` is not in 1 to ``n``.

    >>> parse_shard("2/8")
    Shard(number=2, total=8)
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise MMFanError(f"expected a shard as i/n with i from 1 to n (the first of three is 1/3), got {text!r}")
    return Shard(int(found[1]), int(found[2]))


def shard_from_environment(environment: Mapping[str, str]) -> tuple[Shard, str | None]:
    """The shard of a process that torchrun or slurm's ``srun`` started, and which of the two it was.

    Inside a slurm batch script that calls no ``srun`` there is one process, so the variables of the job step decide,
    not those of the job.

    Args:
        environment: Usually ``os.environ``.

    Returns:
        The shard and ``'torchrun'`` or ``'slurm'``; the whole and ``None`` if neither started this process.

    Raises:
        MMFanError: The variables contradict each other.

    >>> shard_from_environment({"RANK": "0", "WORLD_SIZE": "4"})
    (Shard(number=1, total=4), 'torchrun')
    """
    for launcher, rank_name, count_name in (
        ("torchrun", "RANK", "WORLD_SIZE"),
        ("slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ):
        if rank_name not in environment or count_name not in environment:
            continue
        rank, count = environment[rank_name], environment[count_name]
        if not (rank.isdecimal() and count.isdecimal() and int(rank) < int(count)):
            raise MMFanError(
                f"Expected numbers with {rank_name} < {count_name} from {launcher}, got {rank!r} and {count!r}. "
                "Name the part with --shard i/n, or start the program without a launcher."
            )
        if int(count) > 1:
            return Shard(int(rank) + 1, int(count)), launcher
    return WHOLE, None
