"""Confidence intervals and image-level summaries: against plain loops, and what they are for."""

import json

import numpy as np
import pytest

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.metrics.counts import image_level, scores_of_counts
from mmfan.evaluation.protocol import PROTOCOLS, Protocol
from mmfan.evaluation.results.counts_file import PictureCounts
from mmfan.evaluation.results.store import ResultsStore
from mmfan.evaluation.summary.averages import average_cells
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.evaluation.summary.uncertainty.intervals import bootstrap, stored_counts, summarize_pictures

PROTOCOL = Protocol("three", (Cell("fog", 1), Cell("fog", 2), Cell("snow", 1)), {"a": ("fog",), "b": ("snow",)})


def counts_of(protocol=PROTOCOL, pictures=20, classes=3, seed=0):
    """Pictures that differ from one another much more than a picture from its corrupted versions."""
    generator = np.random.default_rng(seed)
    difficulty = generator.uniform(0.1, 0.8, (pictures, classes))
    found = {}
    for cell in (CLEAN, *protocol.cells):
        missed = (1000 * np.clip(difficulty + 0.05 * cell.severity, 0, 1)).astype(int)
        false = generator.integers(0, 50, missed.shape)
        found[cell] = np.stack([1000 - missed, false, missed], axis=-1)
    return found


def test_against_plain_loops():
    counts = counts_of()
    found = bootstrap(counts, PROTOCOL, resamples=50, confidence=0.8, seed=3)
    generator = np.random.default_rng(3)
    scores = {"clean": [], "corrupted": [], "retention": [], "fog": []}
    for _ in range(50):
        drawn = generator.integers(0, 20, 20)
        each = {cell: scores_of_counts(value[drawn]).metrics["mIoU"] for cell, value in counts.items()}
        scores["clean"].append(each[CLEAN])
        scores["corrupted"].append(average_cells(each, PROTOCOL).over_types)
        scores["retention"].append(scores["corrupted"][-1] / each[CLEAN])
        scores["fog"].append((each[Cell("fog", 1)] + each[Cell("fog", 2)]) / 2)
    for name, values in scores.items():
        interval = found.by_corruption["fog"] if name == "fog" else getattr(found, name)
        assert interval == pytest.approx(np.quantile(values, [0.1, 0.9]))
    assert found.by_group["a"] == found.by_corruption["fog"]
    assert (found.protocol, found.cells, found.pictures, found.metric) == ("three", 3, 20, "mIoU")


def test_the_same_seed_the_same_interval():
    first, again, other = (bootstrap(counts_of(), PROTOCOL, resamples=200, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.retention != other.retention


@pytest.mark.parametrize("metric", ["mIoU", "mAcc", "aAcc"])
def test_the_score_is_within(metric):
    counts = counts_of()
    found = bootstrap(counts, PROTOCOL, metric, resamples=300)
    each = {cell: scores_of_counts(value).metrics[metric] for cell, value in counts.items()}
    corrupted = average_cells(each, PROTOCOL).over_types
    for interval, score in (
        (found.clean, each[CLEAN]),
        (found.corrupted, corrupted),
        (found.retention, corrupted / each[CLEAN]),
    ):
        assert interval.low < score < interval.high
    wider = bootstrap(counts, PROTOCOL, metric, resamples=300, confidence=0.99)
    assert wider.retention.low < found.retention.low < found.retention.high < wider.retention.high


def test_pictures_are_drawn_in_pairs():
    """Hard pictures are hard in both parts of a retention; drawn apart, it would look several times less sure."""
    found = bootstrap(counts_of(), PROTOCOL, resamples=300)
    apart = (found.corrupted.high / found.clean.low) - (found.corrupted.low / found.clean.high)
    assert found.retention.high - found.retention.low < apart / 3


def test_pictures_that_are_all_alike_leave_no_doubt():
    same = {cell: np.repeat(value[:1], 20, axis=0) for cell, value in counts_of().items()}
    found = bootstrap(same, PROTOCOL, resamples=20)
    assert found.retention.low == pytest.approx(found.retention.high, abs=1e-12)


def test_more_pictures_more_certain():
    few, many = (bootstrap(counts_of(pictures=number), PROTOCOL, resamples=300).clean for number in (20, 320))
    assert (many.high - many.low) == pytest.approx((few.high - few.low) / 4, rel=0.5)


def test_from_a_results_file_one_cell_at_a_time(tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    counts = counts_of()
    names = [f"{index}.png" for index in range(20)]
    for cell, value in counts.items():
        order = np.random.default_rng(cell.severity).permutation(20)  # the order of a run's pictures does not matter
        record = {"model": "m", "dataset": "d", "corruption": cell.corruption, "severity": cell.severity}
        record["counts"] = store.write_counts(record, value[order], [names[index] for index in order])
        store.append(record | {"metrics": {"mIoU": scores_of_counts(value).metrics["mIoU"]}})
    lazy = stored_counts(store, store.records())
    direct = {cell: PictureCounts(value, tuple(names)) for cell, value in counts.items()}
    order = np.random.default_rng(0).permutation(20)
    as_stored = {cell: PictureCounts(v.counts[order], tuple(names[i] for i in order)) for cell, v in direct.items()}
    assert bootstrap(lazy, PROTOCOL, resamples=50) == bootstrap(as_stored, PROTOCOL, resamples=50)
    pictures = summarize_pictures(lazy, PROTOCOL)
    assert pictures.corrupted == pytest.approx(summarize_pictures(direct, PROTOCOL).corrupted)


def test_in_json():
    plain = json.loads(json.dumps(bootstrap(counts_of(), PROTOCOL, resamples=20).to_dict()))
    assert plain["retention"] == sorted(plain["retention"])
    assert plain["by_corruption"].keys() == {"fog", "snow"}
    assert json.loads(json.dumps(summarize_pictures(counts_of(), PROTOCOL).to_dict()))["protocol"] == "three"


@pytest.mark.slow
def test_cityscapes_in_reasonable_time_and_memory():
    generator = np.random.default_rng(0)
    one = generator.integers(1, 2_000_000, (500, 19, 3))
    found = bootstrap(dict.fromkeys((CLEAN, *PROTOCOLS["kamann16"].cells), one), "kamann16")
    assert found.retention == pytest.approx((1, 1))
    assert found.cells == 72


def test_the_image_level():
    counts = counts_of()
    found = summarize_pictures(counts, PROTOCOL)
    level = {cell: image_level(value) for cell, value in counts.items()}
    assert found.clean == level[CLEAN].mean
    assert found.by_corruption["fog"] == pytest.approx((level[Cell("fog", 1)].mean + level[Cell("fog", 2)].mean) / 2)
    assert found.corrupted == pytest.approx((found.by_corruption["fog"] + found.by_corruption["snow"]) / 2)
    assert found.retention == pytest.approx(found.corrupted / found.clean)
    assert found.worst_decile_clean == pytest.approx(np.sort(level[CLEAN].per_picture)[:2].mean())
    assert found.worst_decile_corrupted < found.corrupted


def test_what_cannot_be_resampled():
    counts = counts_of()
    with pytest.raises(MissingCellsError, match=r"No counts per picture of the cells fog 2\."):
        bootstrap({cell: value for cell, value in counts.items() if cell != Cell("fog", 2)}, PROTOCOL)
    with pytest.raises(
        SummaryError, match=r"fog 1 was not judged on the pictures .* 19 pictures of 3 classes instead of 20"
    ):
        bootstrap(counts | {Cell("fog", 1): counts[CLEAN][:19]}, PROTOCOL)
    named = {cell: PictureCounts(value, tuple(map(str, range(20)))) for cell, value in counts.items()}
    renamed = PictureCounts(counts[CLEAN], (*map(str, range(19)), "other"))
    with pytest.raises(SummaryError, match="not in both: 19"):
        bootstrap(named | {Cell("fog", 1): renamed}, PROTOCOL)
    with pytest.raises(SummaryError, match="2 or more pictures, got 1"):
        bootstrap({cell: value[:1] for cell, value in counts.items()}, PROTOCOL)
    hopeless = counts | {CLEAN: counts[CLEAN] * [0, 1, 1]}
    with pytest.raises(SummaryError, match="0 or not defined"):
        bootstrap(hopeless, PROTOCOL)
    with pytest.raises(SummaryError, match="image-level mIoU is 0"):
        summarize_pictures(hopeless, PROTOCOL)
    for wrong, message in [
        ({"resamples": 1}, "whole number of at least 2"),
        ({"resamples": 10.0}, "whole number of at least 2"),
        ({"confidence": 95}, "between 0 and 1, got 95"),
        ({"metric": "mDice"}, "not 'mDice'"),
    ]:
        with pytest.raises(ValueError, match=message):
            bootstrap(counts, PROTOCOL, **wrong)
