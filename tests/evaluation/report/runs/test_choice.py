"""Choices of a report that names nothing: the protocol of the records, a metric of all, the models asked for."""

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, write

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.protocol import PROTOCOLS, get_protocol, make_protocol
from mmfan.evaluation.report import ReportError, read_runs
from mmfan.evaluation.report.runs.choice import (
    choose_metric,
    choose_models,
    choose_protocol,
    find_protocol,
    other_protocols,
)
from mmfan.evaluation.results.recorded_protocol import protocol_entry

SMALL = get_protocol(PROTOCOL)
FOG = make_protocol({"fog": [1, 2]})


def cells_of(*protocols):
    """Scores of every cell of some protocols."""
    return {tuple(cell): 0.5 for protocol in protocols for cell in (CLEAN, *protocol.cells)}


def made_for(protocol, model="fan-t", scores=SCORES, **more):
    return records(model, scores, protocol=protocol_entry(protocol), **more)


def runs_of(tmp_path, *groups):
    return read_runs([write(tmp_path / "r.jsonl", *groups)])


def test_the_protocol_of_the_records(tmp_path):
    assert choose_protocol(runs_of(tmp_path, made_for(SMALL))) == SMALL
    # whole or not: what is missing is told when it is summarised
    assert choose_protocol(runs_of(tmp_path, made_for(PROTOCOLS["kamann16"]))) == PROTOCOLS["kamann16"]


def test_of_two_that_were_judged_the_last_whole_one(tmp_path):
    contrast = {cell: score for cell, score in SCORES.items() if cell[0] == "contrast"}
    fog = {cell: score for cell, score in SCORES.items() if cell[0] != "contrast"}
    grown = runs_of(tmp_path, made_for(FOG, scores=fog), made_for(SMALL, scores=contrast))
    assert choose_protocol(grown) == SMALL
    begun = runs_of(tmp_path, made_for(FOG, scores=fog), made_for(PROTOCOLS["level5"], scores=contrast))
    assert choose_protocol(begun) == FOG
    assert other_protocols(grown, SMALL) == []
    assert other_protocols(begun, FOG) == [
        "fan-t was judged on level5 last, of which 1 of 17 cells are there; this report is on custom."
    ]
    assert other_protocols(grown, FOG) == ["fan-t was judged on small last; this report is on custom."]


def test_several_models_on_what_all_of_them_have(tmp_path):
    fog = {cell: score for cell, score in SCORES.items() if cell[0] != "contrast"}
    runs = runs_of(tmp_path, made_for(SMALL), made_for(FOG, "b", fog))
    assert choose_protocol(runs) == FOG
    assert choose_protocol(choose_models(runs, ["fan-t"])) == SMALL
    apart = runs_of(tmp_path, made_for(FOG, scores=fog), records("b", protocol="level5"))
    # the second has the cells of the first, though it was judged for another protocol
    assert choose_protocol(apart) == FOG
    with pytest.raises(ReportError, match=r"no protocol in common \(fan-t: custom; b: level5\).* --model"):
        choose_protocol(
            runs_of(tmp_path, made_for(FOG, scores=fog), records("b", {("clean", 0): 1}, protocol="level5"))
        )


@pytest.mark.parametrize("name", PROTOCOLS)
def test_records_that_do_not_say_are_of_the_named_protocol_that_they_fill(name, tmp_path):
    runs = runs_of(tmp_path, records(scores=cells_of(PROTOCOLS[name])))
    assert set(choose_protocol(runs).cells) == set(PROTOCOLS[name].cells)


def test_of_several_that_are_filled_the_first_of_the_table(tmp_path):
    more = {**cells_of(PROTOCOLS["kamann16"], PROTOCOLS["level5"]), ("pixelate", 1): 0.5}
    assert choose_protocol(runs_of(tmp_path, records(scores=more))).name == "kamann16"


def test_records_that_fill_none_need_a_name(tmp_path):
    with pytest.raises(ReportError) as caught:
        choose_protocol(runs_of(tmp_path, records()))
    assert str(caught.value) == (
        "The records do not say which protocol they are of (fan-t: not recorded, with contrast 1, fog 1/2). Name one: "
        "--protocol recorded averages over all cells of the files, --protocol kamann16 over its own."
    )


def test_protocols_by_name_text_and_file(tmp_path):
    runs = runs_of(tmp_path, made_for(SMALL))
    assert find_protocol("small", runs) == SMALL
    assert find_protocol("level5", runs) == PROTOCOLS["level5"]
    assert find_protocol('{"corruptions": {"fog": [1, 2]}}', runs) == FOG
    assert find_protocol("recorded", runs).name == "recorded"
    assert set(find_protocol("recorded", runs).cells) == set(SMALL.cells)
    with pytest.raises(ValueError, match="is no JSON"):
        find_protocol('{"corruptions"', runs)
    with pytest.raises(ValueError, match="There is no protocol 'smal'"):
        find_protocol("smal", runs)


def test_the_metric_that_all_have(tmp_path):
    def metric_of(*groups):
        return choose_metric(runs_of(tmp_path, *groups))

    both = [{**record, "metrics": {"aAcc": 0.9, "mIoU": 0.5}} for record in records("b")]
    assert metric_of(both) == "mIoU"
    assert metric_of(both, records("c", metric="aAcc")) == "aAcc"
    boxes = [{**record, "metrics": {"bbox_mAP": 0.4, "segm_mAP": 0.3}} for record in records("d")]
    assert metric_of(boxes) == "bbox_mAP"
    with pytest.raises(ReportError, match=r"no metric in common \(b: aAcc, mIoU; d: bbox_mAP, segm_mAP\)"):
        metric_of(both, boxes)


def test_models_by_name(tmp_path):
    runs = runs_of(tmp_path, records(checkpoint_hash="a" * 9), records(checkpoint_hash="b" * 9), records("segformer"))
    assert [run.name for run in choose_models(runs, [])] == [run.name for run in runs]
    assert [run.name for run in choose_models(runs, ["segformer", "fan-t"])] == [
        "segformer", "fan-t (checkpoint aaaaaaaa)", "fan-t (checkpoint bbbbbbbb)",
    ]  # fmt: skip
    assert [run.name for run in choose_models(runs, ["fan-t (checkpoint bbbbbbbb)"])] == ["fan-t (checkpoint bbbbbbbb)"]
    with pytest.raises(ReportError, match=r"no model 'segfromer'.* Did you mean 'segformer'\?"):
        choose_models(runs, ["segfromer"])
