"""Robustness to occlusion: the score of pictures of which cells are hidden (arXiv 2105.10497)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mmfan.analysis.catalogue import PatchDropOptions
from mmfan.analysis.context import Context
from mmfan.analysis.plots import line_grid
from mmfan.analysis.scoring.alterations import PatchDropAlteration
from mmfan.analysis.scoring.judge import Judge, main_metric
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol


def area_under(ratios: list[float], retention: list[float | None]) -> float | None:
    """Mean retention over the ratios from 0 to the largest, by the trapezoid rule; 1 if nothing is ever lost.

    Args:
        ratios: Rising, above 0.
        retention: Of each ratio; that of 0 is 1.

    >>> area_under([0.5, 1.0], [1.0, 0.0])
    0.75
    """
    if any(value is None for value in retention):
        return None
    across, up = np.array([0.0, *ratios]), np.array([1.0, *retention], dtype=float)
    return float(np.sum(np.diff(across) * (up[1:] + up[:-1]) / 2) / across[-1])


def run(context: Context) -> dict[str, Any]:
    """Scores by mode and ratio, over all, the visible and the hidden pixels."""
    options: PatchDropOptions = context.options
    judge = Judge(context, options.workers, alters=True)
    ratios = sorted(set(options.ratios))
    found: dict[str, Any] = {}
    for mode in dict.fromkeys(options.modes):
        repeats = options.repeats if mode in ("random", "pixel") else 1
        found[mode] = judge_mode(context, judge, mode, ratios, repeats)
    return {"ratios": [ratio / 100 for ratio in ratios], "modes": found}


def judge_mode(context: Context, judge: Judge, mode: str, ratios: list[int], repeats: int) -> dict[str, Any]:
    """One mode: means over the repeats, whose base seeds follow one another."""
    options: PatchDropOptions = context.options
    settings = {
        "mode": mode, "patch": options.patch, "grid": options.grid, "offset": options.offset, "fill": options.fill,
    }  # fmt: skip
    size = f"{options.patch}px" if options.grid is None else "x".join(map(str, options.grid))
    if mode == "pixel":
        size = "1px"
    kind = f"patch_drop_{mode}_{size}_{options.fill}" + (f"_offset{options.offset}" if options.offset else "")
    protocol = Protocol(kind, tuple(Cell(kind, ratio) for ratio in ratios), source="hidden cells, arXiv 2105.10497")
    runs = []
    for repeat in range(repeats):
        judge.seed = context.seed + repeat
        alteration, progress = PatchDropAlteration(**settings), context.progress(mode)
        runs.append(judge.run(protocol, alteration=alteration, progress=progress))
    judge.seed = context.seed
    metric = main_metric(runs[0])
    clean = float(np.mean([run[0]["metrics"][metric] for run in runs]))
    result: dict[str, Any] = {"metric": metric, "clean": clean, "repeats": repeats, "settings": settings}
    for name in (metric, f"{metric}_visible", f"{metric}_hidden"):
        if name in runs[0][0]["metrics"]:
            values = [[run[1 + place]["metrics"][name] for run in runs] for place in range(len(ratios))]
            part = "all" if name == metric else name.rpartition("_")[2]
            result[part] = [None if None in row else float(np.mean(row)) for row in values]
    result["retention"] = [score / clean if clean else None for score in result["all"]]
    result["area"] = area_under([ratio / 100 for ratio in ratios], result["retention"])
    return result


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A panel a mode and part of the pixels."""
    panels = []
    for mode, first in results[0]["modes"].items():
        for part in ("all", "visible", "hidden"):
            if part not in first:
                continue
            lines = []
            for result in results:
                found = result["modes"][mode]
                values = [None if value is None else 100 * value for value in found[part]]
                start = [] if part == "hidden" else [100 * found["clean"]]  # nothing is hidden yet
                lines.append(([0, *result["ratios"]][-len(start + values) :], [*start, *values]))
            panels.append((f"{mode}: {part} pixels", lines))
    modes = results[0]["modes"]
    metric = next(iter(modes.values()))["metric"]
    return line_grid(panels, labels, "share hidden", f"{metric} (%)", rows=len(modes))
