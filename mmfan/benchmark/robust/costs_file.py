"""Costs of arms as a file of a folder of evidence: read, and put beside those that it holds. Needs no torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmfan.errors import MMFanError

COSTS = "costs.json"
LARGEST = sys.float_info.max  # JSON has whole numbers beyond it, which are no floats


def read_costs(folder: Path) -> dict[str, Any]:
    """What was measured in a folder: ``arms`` and, where they are known, ``config`` and ``rounds``.

    Raises:
        MMFanError: The file is damaged.
    """
    path = folder / COSTS
    if not path.is_file():
        return {"arms": {}}
    cure = "delete it, and measure the costs again"
    try:
        costs = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MMFanError(f"{path} is no JSON ({error}): {cure}.") from error
    arms = costs.get("arms") if isinstance(costs, dict) else None
    if not isinstance(arms, dict) or not all(isinstance(one, dict) for one in arms.values()):
        raise MMFanError(f"{path} does not hold the costs of arms: {cure}.")
    if not isinstance(costs.get("config", ""), str):
        raise MMFanError(f"Expected `config` of {path} to be a name, got {costs['config']!r:.40}: {cure}.")
    for arm, one in arms.items():
        for name, value in one.items():
            if type(value) not in (int, float) or not 0 < value <= LARGEST:
                raise MMFanError(
                    f"Expected {name} of {arm} in {path} to be a finite number above 0, got {value!r:.40}: {cure}."
                )
    return costs


def joined_costs(folder: Path, costs: Mapping[str, Any]) -> dict[str, Any]:
    """The costs of a folder, and others, which replace those of the same arms.

    Args:
        folder: Of evidence.
        costs: The others, as :func:`read_costs` has them. Where one of the two does not tell its config, as files of
            earlier versions do not, it is taken to be the other's.

    Raises:
        MMFanError: The two were measured with different configs, or the file is damaged.
    """
    before = read_costs(folder)
    own, other = costs.get("config"), before.get("config")
    if before["arms"] and own and other and not same_config(own, other):
        raise MMFanError(
            f"Expected costs measured with {other}, as those of {folder / COSTS} were, got costs of {own}, which "
            "cannot be compared with them. Give them another folder, or delete that file."
        )
    return {**before, **costs, "arms": {**before["arms"], **costs["arms"]}}


def same_config(first: str, second: str) -> bool:
    """Whether two are one config, each given by its name or its path."""
    return Path(first).stem == Path(second).stem
