"""Waiting of the model's threads for each other: soon asleep, so that a machine that does other work too stays quick.

Threads of OpenMP spin for a while before they sleep: up to a quarter of a second in LLVM's and Intel's runtime, for
some 300,000 turns in GNU's, the one that torch for Linux brings. Where a core is busy with something else, a loading
process for instance, every part of every layer then waits until the spinning thread's time is up, and a step takes many
times as long. Sleeping at once has a price on an idle machine, 3 % of a forward pass: being woken takes longer than
most waits. A few thousand turns, some tens of microseconds, cover those, and cost little where a core is busy. The
runtimes read these variables when they are loaded: they have to be set before torch is imported.
"""

from __future__ import annotations

from collections.abc import MutableMapping

# LLVM's and Intel's runtime know the policy alone; in GNU's the number of turns comes before it.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000"}
# By these, too, a user has said how threads wait.
ALSO = ("KMP_BLOCKTIME", "KMP_LIBRARY")


def wait_asleep(environment: MutableMapping[str, str]) -> None:
    """Have threads of OpenMP that wait soon sleep, unless the user has said how they wait.

    Args:
        environment: ``os.environ`` of a program of ours; a library has to leave it alone.
    """
    if not any(name in environment for name in (*WAITING, *ALSO)):
        environment.update(WAITING)
