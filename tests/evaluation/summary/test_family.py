"""Scores of one family: its reference apart, in the protocol's order, or a refusal."""

import pytest
from helpers.small_results import PROTOCOL, records

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.summary import SummaryError
from mmfan.evaluation.summary.family import scores_of_family
from mmfan.evaluation.summary.selection import MissingCellsError

SMALL = get_protocol(PROTOCOL)


def test_the_reference_is_apart():
    found = scores_of_family(records(), SMALL, "mIoU", False)
    assert found.clean == 0.8
    assert list(found.scores) == list(SMALL.cells)
    assert set(found.records) == {CLEAN, *SMALL.cells}
    assert found.run.model == "fan-t"
    assert found.protocol == SMALL


def test_without_a_reference_in_part_alone():
    some = records()[1:]
    assert scores_of_family(some, SMALL, "mIoU", True).clean is None
    with pytest.raises(MissingCellsError):
        scores_of_family(some, SMALL, "mIoU", False)


def test_refuses_what_has_no_scores():
    with pytest.raises(SummaryError):
        scores_of_family(records()[:1], SMALL, "mIoU", True)
