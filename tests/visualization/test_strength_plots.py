"""Curves over the strength of a condition: what is drawn where, and what is refused."""

import numpy as np
import pytest

from mmfan.errors import MMFanError
from mmfan.evaluation.results.store import RunKey
from mmfan.evaluation.summary.strengths import Strengths
from mmfan.visualization import strength_plots
from mmfan.visualization.strength_plots import strength_curves


def strengths(name="fan-t", clean=0.8, **scores):
    scores = scores or {"pgd": {1: 0.6, 4: 0.2}}
    return Strengths(name, "p", "attack", "mIoU", clean, scores, RunKey(name))


class Axes:
    """Remembers what is plotted."""

    def __init__(self):
        self.lines = []

    def plot(self, across, upwards, **style):
        self.lines.append((across, upwards, style["marker"]))


def test_what_is_drawn_where():
    axes = Axes()
    strength_plots._curve(axes, 0, strengths(), "pgd")
    line, cross = axes.lines
    assert line[0] == [0, 1, 4]
    assert line[1] == pytest.approx([80, 60, 20])
    assert cross == (pytest.approx(2.5), pytest.approx(40), "x")  # 0.4 between 0.6 at 1 and 0.2 at 4
    axes.lines.clear()
    strength_plots._curve(axes, 0, strengths(pgd={1: 0.6}), "pgd")
    strength_plots._curve(axes, 0, strengths(clean=None), "pgd")
    assert [line[0] for line in axes.lines] == [[0, 1], [1, 4]]  # no half is reached, or none is known


def test_pictures():
    one = strength_curves([strengths(), strengths("b", pgd={1: 0.5})], "pgd", "mIoU", "radius in 1/255", "5 steps")
    assert one.shape[2] == 3
    assert one.dtype == np.uint8
    assert (one != strength_curves([strengths(), strengths("b", pgd={1: 0.7})], "pgd", "mIoU", "radius in 1/255",
                                   "5 steps")).any()  # fmt: skip
    with pytest.raises(MMFanError, match="No model has scores of 'fgsm'"):
        strength_curves([strengths()], "fgsm", "mIoU")
