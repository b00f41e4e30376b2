"""Calibration over a protocol, on numbers that are worked out by hand."""

import copy

import numpy as np
import pytest
from helpers.calibrated_results import SMALL, calibrated, entry
from helpers.small_results import PROTOCOL, records

from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.report.tables.calibration import notes_of
from mmfan.evaluation.summary.calibration import known_share, summarize_calibration
from mmfan.evaluation.summary.selection import SummaryError

SMALL_PROTOCOL = get_protocol(PROTOCOL)


def found(entries=SMALL):
    return summarize_calibration(calibrated(records(), entries), SMALL_PROTOCOL)


def test_means_are_over_severities_then_types():
    summary = found()
    assert summary.clean["ECE"] == pytest.approx(0, abs=1e-7)
    assert summary.by_corruption["fog"]["ECE"] == pytest.approx(0.1, abs=1e-6)
    assert summary.by_corruption["contrast"]["ECE"] == pytest.approx(0.6, abs=1e-6)
    assert summary.corrupted["ECE"] == pytest.approx((0.1 + 0.6) / 2, abs=1e-6)
    assert summary.corrupted["NLL"] == pytest.approx((0.8 + 2) / 2)
    assert summary.corrupted["accuracy"] == pytest.approx((0.6 + 0.3) / 2)
    assert summary.by_corruption["fog"]["AUROC"] == pytest.approx(0.7)
    assert summary.corrupted["AUROC"] is None  # not defined in a cell


def test_the_share_of_the_loss_that_is_known():
    summary = found()
    assert known_share(summary.clean, summary.by_corruption["fog"]) == pytest.approx(
        (0.9 - 0.7) / (0.9 - 0.6), abs=1e-6
    )
    assert known_share(summary.clean, summary.by_corruption["contrast"]) == pytest.approx(0, abs=1e-6)
    assert summary.known == pytest.approx((0.9 - 0.8) / (0.9 - 0.45), abs=1e-6)
    assert known_share(summary.clean, summary.clean) is None
    assert known_share({"accuracy": 0.9, "confidence": None}, {"accuracy": 0.1, "confidence": 0.5}) is None


def test_types_that_gain_accuracy_are_no_known_loss():
    gaining = {**SMALL, ("contrast", 1): entry({6: (20, 0.4, 19)}, NLL=1, AUROC=0.5)}  # 95 % right, 40 % sure
    assert found(gaining).known == pytest.approx(0.2 / 0.3, abs=1e-6)  # that of fog alone
    alike = dict.fromkeys(SMALL, SMALL["clean", 0])
    assert found(alike).known is None


def test_bins_of_cells_are_added():
    table = found().reliability_corrupted
    assert table[:, 0].sum() == pytest.approx(1)
    assert table[11].tolist() == pytest.approx([1 / 3, 0.8, 0.7])
    assert np.isnan(table[0, 1:]).all()
    assert found().reliability_clean[13].tolist() == pytest.approx([1, 0.9, 0.9])


def test_the_temperature_of_the_clean_pictures_is_carried():
    tempered = found().tempered
    assert tempered.temperature == 2
    assert not tempered.at_edge
    assert tempered.clean == pytest.approx({"NLL": 1.25, "NLL_T": 0.25, "ECE": 0.1, "ECE_T": 0})
    # fog: 0.25 at the temperature 2; contrast, whose best is 4: 2.25
    assert tempered.corrupted["NLL_T"] == pytest.approx((0.25 + 2.25) / 2)
    assert tempered.corrupted["ECE"] == pytest.approx((0.1 + 0.3) / 2)
    edge = found({**SMALL, ("clean", 0): entry({13: (10, 0.9, 9)}, best=5, NLL=1, AUROC=0.9)}).tempered
    assert edge.at_edge


def test_boxes_have_no_temperature():
    entries = copy.deepcopy(SMALL)
    for one in entries.values():
        one.update(of="boxes", temperatures={})
    assert found(entries).tempered is None
    assert found(entries).to_dict()["temperature"] is None


def test_runs_without_calibration_have_none():
    assert summarize_calibration(records(), SMALL_PROTOCOL) is None


@pytest.mark.parametrize("cell", [("clean", 0), ("fog", 2)])
def test_a_cell_without_calibration_is_an_error(cell):
    with pytest.raises(SummaryError, match="No calibration of 1 cell: judge all of them"):
        found({key: value for key, value in SMALL.items() if key != cell})


def test_pixels_and_boxes_are_not_averaged():
    with pytest.raises(SummaryError, match="of pixels, of others of boxes"):
        found({**SMALL, ("fog", 1): {**SMALL["fog", 1], "of": "boxes"}})


def test_cells_in_which_nothing_was_found_are_left_out_and_named():
    hollow = entry({13: (1, 0.9, 1)})
    hollow.update(count=0, accuracy=None, confidence=None, scores={"ECE": None, "AUROC": None})
    hollow["reliability"] = {name: [0] * len(counts) for name, counts in hollow["reliability"].items()}
    entries = {cell: {**one, "of": "boxes", "temperatures": {}} for cell, one in SMALL.items()}
    hollow.update(of="boxes", temperatures={})
    of_a_type = found({**entries, ("fog", 2): hollow})
    assert [str(cell) for cell in of_a_type.empty] == ["fog 2"]
    assert of_a_type.by_corruption["fog"]["ECE"] == pytest.approx(0.1, abs=1e-6)  # that of fog 1
    assert of_a_type.corrupted["ECE"] == pytest.approx((0.1 + 0.6) / 2, abs=1e-6)
    a_type = found({**entries, ("contrast", 1): hollow})
    assert a_type.by_corruption["contrast"] == {}
    assert a_type.corrupted["ECE"] == pytest.approx(0.1, abs=1e-6)  # that of fog
    assert a_type.known == pytest.approx((0.9 - 0.7) / (0.9 - 0.6), abs=1e-6)
    assert a_type.to_dict()["empty"] == ["contrast 1"]
    assert notes_of("a", a_type) == [
        "a has no calibration in contrast 1, where it found nothing: the means are over the other cells."
    ]
    nothing = found({cell: hollow if cell[0] != "clean" else one for cell, one in entries.items()})
    assert (nothing.corrupted, nothing.known) == ({}, None)
