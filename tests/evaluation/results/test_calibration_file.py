"""The file of the sums behind a calibration: the same back, addable, and errors for what is damaged."""

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.calibrated_results import calibrated
from helpers.small_results import records

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums, sums_of_boxes
from mmfan.evaluation.results.calibration_file import read_sums, write_sums
from mmfan.evaluation.results.counts_file import write_counts
from mmfan.evaluation.results.record import check_record


def some(seed=0):
    rng, empty = np.random.default_rng(seed), CalibrationSums.empty(3)
    made = {one.name: rng.integers(0, 2**40, np.shape(getattr(empty, one.name))) for one in fields(empty)}
    return CalibrationSums(**{**made, "nll": int(made["nll"]), "brier": int(made["brier"])})


def same(one, other):
    return all(np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))


def test_the_same_back_and_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_sums(tmp_path / "new" / name, some())
    assert same(read_sums(tmp_path / "new/a.npz"), some())
    assert (tmp_path / "new/a.npz").read_bytes() == (tmp_path / "new/b.npz").read_bytes()


def test_parts_of_a_set_are_added(tmp_path):
    write_sums(tmp_path / "a.npz", some(1))
    write_sums(tmp_path / "b.npz", some(2))
    both = read_sums(tmp_path / "a.npz").plus(read_sums(tmp_path / "b.npz"))
    assert same(both, some(2).plus(some(1)))


def test_boxes(tmp_path):
    sums = sums_of_boxes(np.array([0.5]), np.array([True]))
    write_sums(tmp_path / "a.npz", sums)
    assert same(read_sums(tmp_path / "a.npz"), sums)


@pytest.mark.parametrize(
    "change",
    [
        {"scores": {"ECE": "low"}}, {"reliability": None}, {"temperatures": {"T": [1.0], "NLL": [], "ECE": []}},
        {"one": 1.5}, {"reliability": {"count": [1], "confidence": [0.5], "right": [1]}},
    ],
)  # fmt: skip
def test_records_of_another_form_are_refused(change):
    record = calibrated(records())[0]
    check_record(record)
    with pytest.raises(MMFanError, match="`calibration` must be a dict like"):
        check_record({**record, "calibration": {**record["calibration"], **change}})


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    write_sums(path, some())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(MMFanError, match=r"a\.npz is no whole file of calibration sums"):
        read_sums(path)
    write_counts(path, np.zeros((1, 2, 3), int), ["x"])
    with pytest.raises(MMFanError, match="no whole file of calibration sums"):
        read_sums(path)
    write_sums(path, replace(some(), bins=np.zeros((10, 3), np.int64)))
    with pytest.raises(MMFanError, match=r"another form .bins"):
        read_sums(path)
    with pytest.raises(FileNotFoundError):
        read_sums(tmp_path / "none.npz")
