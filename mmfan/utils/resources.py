"""Resources that this process may use, which can be less than the machine has: cores and memory, and their shares.

Linux' control groups (containers, batch systems) are read in both of their versions: a limit of a group holds for all
groups below it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmfan.errors import MMFanError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_KIB = 1024  # Linux' own unit in meminfo
_ALL = 1 << 60  # what version 1 writes where there is no limit is about 2 ** 63


def cores(root: Path = Path("/")) -> int:
    """Logical cores that this process may use: those it is bound to, and no more than its groups' quota of time.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *_quotas(root)]))


def _quotas(root: Path) -> Iterator[int]:
    for folder in _groups(root, "cpu"):
        quota, period = (*_numbers(folder / "cpu.max"), None, None)[:2]
        if quota is None:
            quota = (*_numbers(folder / "cpu.cfs_quota_us"), None)[0]
            period = (*_numbers(folder / "cpu.cfs_period_us"), None)[0]
        if quota and period and 0 < quota < _ALL:
            yield quota // period


def share_of_cores(environment: Mapping[str, str]) -> int:
    """The cores of this process where several of one launcher share a machine (``LOCAL_WORLD_SIZE``); at least 1."""
    return max(1, cores() // processes_beside(environment))


def processes_beside(environment: Mapping[str, str]) -> int:
    """Processes of one launcher on this machine, this one among them."""
    told = environment.get("LOCAL_WORLD_SIZE", "1")
    return max(1, int(told)) if told.isdecimal() else 1


def default_workers(environment: Mapping[str, str], left: int = 0) -> int:
    """Processes that work at a time: one a core of this process, but for those that are left to something else.

    Args:
        environment: Usually ``os.environ``.
        left: Cores that stay for what this process itself computes, a model for instance.
    """
    return max(1, share_of_cores(environment) - left)


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that this process could still take without pushing anything else out; 0 where nobody tells.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    return max(0, min([_available(root), *_left_in_groups(root)]))


def _available(root: Path) -> int:
    meminfo = root / "proc/meminfo"
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _text(meminfo), re.MULTILINE)
    if found:
        return int(found[1]) * _KIB
    names = os.sysconf_names if hasattr(os, "sysconf") else {}
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 if "SC_PHYS_PAGES" in names else 0


def _left_in_groups(root: Path) -> Iterator[int]:
    for folder in _groups(root, "memory"):
        for limit_name, used_name, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = (*_numbers(folder / limit_name), None)[0], (*_numbers(folder / used_name), None)[0]
            if limit is None or used is None or limit >= _ALL:
                continue
            given_back = re.search(rf"^{cached} (\d+)", _text(folder / "memory.stat"), re.MULTILINE)
            yield limit - used + (int(given_back[1]) if given_back else 0)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the groups that this process is in, and of those above; of a container's own, where it sees no more.

    Args:
        root: Where ``proc`` and ``sys`` are.
        controller: ``'cpu'`` or ``'memory'``.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        controllers, path = line.split(":", 2)[1:]
        mount = root / "sys/fs/cgroup"
        if controllers:
            if controller not in controllers.split(","):
                continue
            mount /= controllers if (mount / controllers).is_dir() else controller
        group = Path(path.strip("/"))
        for one in dict.fromkeys((group, *group.parents)):
            yield mount / one


def _numbers(file: Path) -> list[int]:
    """The numbers in a file; none where it is not there, or does not begin with one (``max``)."""
    words = _text(file).split()
    return [int(word) for word in words] if words and all(re.fullmatch(r"-?\d+", word) for word in words) else []


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def read_bytes(name: str, value: int | str) -> int:
    """An amount of memory, given as a number of bytes or as a text.

    Args:
        name: Of the argument, for the message.
        value: ``2000000000``, ``'2GB'``, ``'1.5 GiB'``, ``'0'``.

    Raises:
        MMFanError: It is none.

    >>> read_bytes("cache", "1.5 GiB")
    1610612736
    """
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?", text.strip().lower())
    if not found or found[2] not in _UNITS:
        raise MMFanError(f"Expected `{name}` as a number of bytes or as a text such as '2GB', got {value!r:.80}.")
    return int(float(found[1]) * _UNITS[found[2]])
