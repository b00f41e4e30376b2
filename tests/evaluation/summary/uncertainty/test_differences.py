"""Differences of two models on the same pictures: against plain loops, and cases worked out by hand."""

import json

import numpy as np
import pytest

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.counts_file import PictureCounts
from mmfan.evaluation.summary.averages import average_cells
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.evaluation.summary.uncertainty.differences import differences
from mmfan.evaluation.summary.uncertainty.intervals import bootstrap, resample

PROTOCOL = Protocol("three", (Cell("fog", 1), Cell("fog", 2), Cell("snow", 1)), {"a": ("fog",), "b": ("snow",)})
CELLS = (CLEAN, *PROTOCOL.cells)


def differ(one, other, *, resamples=100, seed=0, **more):
    """Of two models by their counts, the other's pictures in the order of the first one's."""
    theirs = resample(other, PROTOCOL, resamples=resamples, seed=seed)
    own = resample(one, PROTOCOL, resamples=resamples, seed=seed, pictures=theirs.pictures)
    return differences("b", own, "a", theirs, seed=seed, **more)


def counts_of(better=0.0, pictures=20, classes=3):
    """Pictures that differ from one another much more than two models do."""
    generator = np.random.default_rng(0)
    difficulty = generator.uniform(0.1, 0.8, (pictures, classes))
    found = {}
    for cell in CELLS:
        missed = (1000 * np.clip(difficulty + 0.05 * cell.severity - better, 0, 1)).astype(int)
        false = generator.integers(0, 50, missed.shape)
        found[cell] = np.stack([1000 - missed, false, missed], axis=-1)
    return found


def test_against_plain_loops():
    one, other = counts_of(0.03), counts_of()
    found = differ(one, other, resamples=50, confidence=0.8, seed=3)
    generator = np.random.default_rng(3)
    draws = [np.arange(20), *(generator.integers(0, 20, 20) for _ in range(50))]
    scores = {"clean": [], "corrupted": [], "retention": []}
    for drawn in draws:
        both = []
        for counts in (one, other):
            each = {cell: scores_of_counts(value[drawn]).metrics["mIoU"] for cell, value in counts.items()}
            corrupted = average_cells(each, PROTOCOL).over_types
            both.append({"clean": each[CLEAN], "corrupted": corrupted, "retention": corrupted / each[CLEAN]})
        for name, values in scores.items():
            values.append(both[0][name] - both[1][name])
    for name, (whole, *drawn) in scores.items():
        assert getattr(found, name).value == pytest.approx(whole)
        assert getattr(found, name).interval == pytest.approx(np.quantile(drawn, [0.1, 0.9]))
    assert (found.name, found.reference, found.pictures, found.resamples) == ("b", "a", 20, 50)


def test_the_same_model_differs_by_nothing():
    found = differ(counts_of(), counts_of(), resamples=100)
    for one in (found.clean, found.corrupted, found.retention):
        assert (one.value, *one.interval) == (0, 0, 0)


def test_the_same_gain_on_every_picture_is_sure():
    """Of 100 pixels of one class 60 are found, and 70 by the other: the sum of IoUs of draws moves with neither."""
    first, second = ({cell: np.tile([hits, 0, 100 - hits], (8, 1, 1)) for cell in CELLS} for hits in (60, 70))
    found = differ(second, first, resamples=100)
    for one, value in ((found.clean, 0.1), (found.corrupted, 0.1), (found.retention, 0.0)):
        assert (one.value, *one.interval) == pytest.approx((value, value, value))


def test_two_pictures_by_hand():
    """Draws of two pictures hold (2, 0), (1, 1) or (0, 2) of them: differences of 0.2, 0.1 and 0."""
    a, b = ({cell: np.array([[[hits, 0, 10 - hits]], [[5, 0, 5]]]) for cell in CELLS} for hits in (5, 7))
    found = differ(b, a, resamples=400, confidence=0.9)
    assert found.clean.value == pytest.approx(0.1)
    assert found.clean.interval == pytest.approx((0.0, 0.2))


def test_pairs_are_surer_than_two_intervals():
    one, other = counts_of(0.03), counts_of()
    found = differ(one, other, resamples=300)
    first, second = (bootstrap(counts, PROTOCOL, resamples=300).corrupted for counts in (one, other))
    assert second.low < first.low < second.high  # they overlap
    assert found.corrupted.interval.low > 0


def test_the_order_of_the_pictures_does_not_matter():
    names = tuple(f"{at}.png" for at in range(20))
    order = np.random.default_rng(1).permutation(20)
    theirs = {cell: PictureCounts(value, names) for cell, value in counts_of().items()}
    shuffled = {
        cell: PictureCounts(value[order], tuple(names[at] for at in order)) for cell, value in counts_of(0.03).items()
    }
    plain = {cell: PictureCounts(value, names) for cell, value in counts_of(0.03).items()}
    expected = differ(plain, theirs, resamples=50)
    assert differ(shuffled, theirs, resamples=50) == expected
    apart = (resample(counts, PROTOCOL, resamples=50) for counts in (shuffled, theirs))
    with pytest.raises(SummaryError, match="or another order of them"):
        differences("b", next(apart), "a", next(apart))


def test_in_json():
    plain = json.loads(json.dumps(differ(counts_of(0.1), counts_of()).to_dict()))
    low, high = plain["retention"]["interval"]
    assert low < plain["retention"]["value"] < high


def test_what_cannot_be_compared():
    names = tuple(f"{at}.png" for at in range(20))
    theirs = {cell: PictureCounts(value, names) for cell, value in counts_of().items()}
    fewer = {cell: PictureCounts(value[:12], names[:12]) for cell, value in counts_of().items()}
    with pytest.raises(SummaryError, match=r"got those of 12 and of 20 pictures; not in both: 12\.png"):
        differ(fewer, theirs)
    labels = {cell: value + np.array([1, 0, 0]) for cell, value in counts_of().items()}
    with pytest.raises(SummaryError, match="Expected the same labels of the same pictures"):
        differ(labels, counts_of())
    with pytest.raises(SummaryError, match="Expected the same labels of the same pictures"):
        differ(counts_of(classes=2), counts_of())
    with pytest.raises(MissingCellsError, match="No counts per picture of the cells snow 1"):
        differ({cell: counts_of()[cell] for cell in CELLS[:-1]}, counts_of())
