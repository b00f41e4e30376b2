"""Fixtures of the whole suite: fixed seeds, no default scope carried over; how properties draw their examples."""

import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from helpers.plain_configs import leave_plain
from hypothesis import settings

# A shell starts background jobs with SIGINT ignored, which the tools under test would inherit: Ctrl-C must reach them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

leave_plain()  # before anything imports mmengine

# In CI properties are tried on the same examples every time: a change cannot fail by a draw that is not its own.
# Elsewhere they are drawn anew, so that somebody finds what those miss (HYPOTHESIS_PROFILE=same: the examples of CI).
# No example has to end by a deadline: the first of each function compiles it, and machines are busy.
settings.register_profile("same", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("drawn", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("same" if os.environ.get("CI") else "drawn"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In several processes the files with most long tests come first: none begins when the other processes are done."""
    if not hasattr(config, "workerinput"):
        return
    long = Counter(item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("process"))
    items.sort(key=lambda item: -long[item.path])


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    """Every test starts from the same random state, whatever ran before it.

    torch is seeded only where a test has imported it: the tests of the torch-free rooms must not load it.
    """
    random.seed(0)
    np.random.seed(0)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _own_default_scope() -> Iterator[None]:
    """A Runner built in one test leaves its default scope behind; the next test would resolve names in it."""
    yield
    registry = sys.modules.get("mmengine.registry")
    if registry is not None:
        registry.DefaultScope._instance_dict.clear()
