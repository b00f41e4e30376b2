"""Which records are taken, and which are refused because a summary of them would be wrong."""

import math

import pytest

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.summary.averages import mean
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError, select

PROTOCOL = Protocol("one", (Cell("fog", 1), Cell("fog", 2)))


def record(corruption, severity, score=0.5, **others):
    base = {"model": "m", "dataset": "d", "corruption": corruption, "severity": severity, "metrics": {"mIoU": score}}
    return base | others


WHOLE = [record("fog", 2), record("snow", 1), record("fog", 1), record("clean", 0)]


def test_the_cells_of_the_protocol_in_its_order():
    chosen = select(WHOLE, PROTOCOL)
    assert list(chosen.records) == [CLEAN, ("fog", 1), ("fog", 2)]
    assert chosen.run.model == "m"
    assert chosen.missing == ()


def test_the_same_record_twice_is_no_matter():
    assert len(select([*WHOLE, *WHOLE], PROTOCOL).records) == 3
    undefined = [record("fog", 1, math.nan), record("fog", 1, None)]
    assert select([*WHOLE[:2], *undefined, WHOLE[3]], PROTOCOL).missing == ()


def test_two_that_differ_are():
    with pytest.raises(
        SummaryError, match=r"two records of fog 1 for the model 'm', and they differ: .*0\.5.*0\.6"
    ) as error:
        select([*WHOLE, record("fog", 1, 0.6)], PROTOCOL)
    assert error.value.cells == (("fog", 1),)
    with pytest.raises(SummaryError, match="differ"):
        select([*WHOLE, record("fog", 1) | {"metrics": {"mIoU": 0.5, "aAcc": 0.9}}], PROTOCOL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "n"}, "model is m or n"),
        ({"dataset": "e"}, "dataset is d or e"),
        ({"checkpoint_hash": "w"}, "checkpoint_hash is None or w"),
        ({"seed": 3}, "seed is None or 3"),
        ({"limit": 9}, "pictures is None or 9"),
    ],
)
def test_several_runs_are_told_apart(change, message):
    with pytest.raises(SummaryError, match=f"2 runs.*{message}"):
        select([*WHOLE, *(found | change for found in WHOLE)], PROTOCOL)


def test_nothing_there():
    with pytest.raises(SummaryError, match="no records"):
        select([], PROTOCOL)
    with pytest.raises(MissingCellsError, match=r"0 of the 2 cells of 'one'.*missing: clean, fog 1/2"):
        select([record("snow", 1)], PROTOCOL)
    with pytest.raises(MissingCellsError):
        select([record("snow", 1)], PROTOCOL, partial=True)


def test_a_mean_is_exact():
    assert mean([0.1] * 10) == 0.1
    assert mean([1e16, 1.0, -1e16]) == pytest.approx(1 / 3)
