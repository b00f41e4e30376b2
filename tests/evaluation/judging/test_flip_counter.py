"""Counting flips over the cells of a run: what follows what, by hand, and what is refused."""

import numpy as np
import pytest

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import Condition, ConditionCell, make_condition
from mmfan.evaluation.judging.flip_counter import FlipCounter, steps_of
from mmfan.evaluation.metrics.flips import Flips
from mmfan.evaluation.protocol import get_protocol, under_adaptation

FOG = (Cell("fog", 1), Cell("fog", 3))
ONES = np.ones((2, 3), np.int64)


def test_a_step_is_from_the_next_lower_severity_of_the_type():
    cells = [CLEAN, *FOG, Cell("snow", 2)]
    assert steps_of(cells) == {1: 0, 2: 1, 3: 0}
    adapted = under_adaptation(get_protocol({"corruptions": {"fog": [1, 3]}}), "bn").whole(1).judged
    assert [str(cell) for cell in adapted] == ["clean", "clean with bn", "fog with bn 1", "fog with bn 3"]
    assert steps_of(adapted) == {2: 1, 3: 2}
    # an attack starts from the clean pictures; another attack is another type
    attacks = [ConditionCell(CLEAN, make_condition("attack", name, at)) for name in ("pgd", "fgsm") for at in (1, 4)]
    assert steps_of([CLEAN, *attacks]) == {1: 0, 2: 1, 3: 0, 4: 3}
    # a patch starts from the clean pictures that it is held against, which start from nothing
    patches = get_protocol(
        {
            "conditions": [
                {"kind": "patch", "name": "patch", "strengths": [at], "settings": {"left_out": at}} for at in (1, 2)
            ]
        }
    )
    assert [str(cell) for cell in patches.judged] == ["outside 1", "outside 2", "patch 1", "patch 2"]
    assert steps_of(patches.judged) == {2: 0, 3: 1}
    # without the cell that it is a step from there is none
    assert steps_of(FOG) == {1: 0}


def test_severities_must_rise():
    with pytest.raises(MMFanError, match="fog 1 must be judged before fog 3"):
        steps_of([CLEAN, Cell("fog", 3), Cell("fog", 1)])


def test_counts_by_hand():
    counter, one = FlipCounter([CLEAN, *FOG, Cell("snow", 2)]), ONES.copy()
    found = []
    for number, changes in enumerate([[], [(0, 0)], [(0, 0), (1, 1), (1, 2)], [(1, 0)]]):
        counter.begin(number)
        for picture in ("a", "b"):  # only a changes
            labels = one.copy()
            for at in changes if picture == "a" else []:
                labels[at] = 300  # more classes than a byte has
            counter.add(picture, labels)
        found.append(counter.end())
    assert found == [None, Flips(1, 12), Flips(2, 12), Flips(1, 12)]


def test_only_what_is_needed_is_held():
    counter = FlipCounter([CLEAN, *FOG, Cell("snow", 2)])
    held = []
    for number in range(4):
        counter.begin(number)
        counter.add(0, ONES)
        held.append(sorted(counter._held))
    assert held == [[0], [0, 1], [0, 1], [0]]


def test_negative_numbers_and_other_sizes():
    counter = FlipCounter([CLEAN, *FOG])
    counter.begin(0)
    counter.add(0, -ONES)
    counter.begin(1)
    counter.add(0, -ONES)
    assert counter.end() == Flips(0, 6)
    with pytest.raises(MMFanError, match="must be of one size"):
        counter.add(0, ONES[:1])


def test_cells_without_a_step_are_refused():
    fog = ConditionCell(CLEAN, Condition("weather", "fog", 1, {"set": "acdc"}))
    with pytest.raises(MMFanError, match=r"of this run's cells none is such a step: leave `flips` out"):
        FlipCounter([CLEAN, fog])
