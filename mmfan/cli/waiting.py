"""Waiting of the model's threads for each other: asleep, so that a machine that does other work as well stays quick.

Threads of OpenMP spin for a while before they sleep: up to a quarter of a second in LLVM's and Intel's runtime, for
some 300,000 turns in GNU's, the one that torch for Linux brings. Where a core is busy with something else, a loading
process for instance, every part of every layer then waits until the spinning thread's time is up, and a step takes many
times as long. The runtimes read these variables when they are loaded: they have to be set before torch is imported.
"""

from __future__ import annotations

from collections.abc import MutableMapping

POLICY = "OMP_WAIT_POLICY"
# By any of these a user has said how threads wait: of the standard, of GNU's runtime, of LLVM's and Intel's.
ALSO = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")


def wait_asleep(environment: MutableMapping[str, str]) -> None:
    """Have threads of OpenMP wait asleep, unless the user has said how they wait.

    Args:
        environment: ``os.environ`` of a program of ours; a library has to leave it alone.
    """
    if not any(name in environment for name in (POLICY, *ALSO)):
        environment[POLICY] = "PASSIVE"
