"""Summary of changed cues: by hand."""

import json

import pytest
from helpers.small_results import records

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.conditions import ConditionCell, make_condition
from mmfan.evaluation.judging.asked_cues import asked_cues
from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.summary import MissingCellsError
from mmfan.evaluation.summary.cues import summarize_cues

WANTED = get_protocol(asked_cues(["texture_swap", "texture_remove", "shape_remove", "grey_edges"]))
SWAP = {"shape_bias": 0.75, "shape_bias_of_classes": None, "by_shape": 0.3, "by_texture": 0.1, "by_neither": 0.6}


def cue_records(protocol=WANTED, scores=(0.8, 0.2, 0.6, 0.4, 0.0), model="fan-t"):
    for cell, score in zip([CLEAN, *protocol.cells], scores, strict=True):
        own = SWAP if cell.corruption.startswith("texture_swap") else {}
        yield {**records(model)[0], **cell.described(), "metrics": {"mIoU": score, **own}}


def test_what_is_kept_and_what_it_goes_by():
    found = summarize_cues(cue_records(), WANTED)
    assert found.clean == 0.8
    assert found.shape_retention == pytest.approx(0.75)
    assert found.texture_retention == pytest.approx(0.5)
    assert found.bias() == 0.75
    assert found.bias("texture_swap_grey") is None
    assert [one.name for one in found.cues] == ["texture_swap", "texture_remove", "shape_remove", "grey_edges"]
    assert [one.settings for one in found.cues] == ["area 1024, colour donor", "", "block 32", ""]
    assert found.cues[0].swaps == SWAP
    assert found.cues[3].kept == 0
    assert str(found) == (
        "shape bias 0.750 (texture_swap), shape retention 75.00 %, texture retention 50.00 %, grey_edges 0.00 %"
    )
    numbers = json.loads(json.dumps(found.to_dict()))
    assert numbers["shape_bias"] == {"texture_swap": 0.75, "texture_swap_grey": None}
    assert numbers["texture_retention"] == pytest.approx(0.5)
    assert numbers["scores"]["grey_edges"] == {"1": 0.0}


def test_other_settings_are_another_row():
    more = ConditionCell(CLEAN, make_condition("cue", "shape_remove", 1, block=8))
    wanted = get_protocol(WANTED)
    wanted = type(wanted)("both", (*wanted.cells, more))
    found = summarize_cues(cue_records(wanted, (0.8, 0.2, 0.6, 0.4, 0.0, 0.1)), wanted)
    assert [(one.settings, one.score) for one in found.cues if one.name == "shape_remove"] == [
        ("block 32", 0.4),
        ("block 8", 0.1),
    ]


def test_without_a_clean_score_nothing_is_kept():
    found = summarize_cues(cue_records(scores=(0.0, 0.2, 0.6, 0.4, 0.0)), WANTED)
    assert found.shape_retention is None
    assert "retention" not in str(found)


def test_missing_cells_are_errors_unless_a_part_is_asked_for():
    part = list(cue_records())[:3]
    with pytest.raises(MissingCellsError, match="shape_remove"):
        summarize_cues(part, WANTED)
    assert len(summarize_cues(part, WANTED, partial=True).cues) == 2
    assert summarize_cues(part[1:], WANTED, partial=True).clean is None
