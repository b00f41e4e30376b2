"""Reading results files, telling models apart, putting them side by side."""

import os
import subprocess
import sys

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, with_classes, write

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.protocol import PROTOCOLS, ProtocolError
from mmfan.evaluation.report import ReportError, build_report, read_runs
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.report.report import metrics_of, published_beside
from mmfan.evaluation.results.store import ResultsError
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError


def test_a_model_by_hand(tmp_path):
    report = build_report(read_runs([write(tmp_path / "a.jsonl", records())]), PROTOCOL)
    (model,) = report.models
    found = model.summary
    assert (model.name, found.protocol, found.cells, report.metric) == ("fan-t", "small", 3, "mIoU")
    assert (found.clean, found.corrupted, found.retention) == pytest.approx((0.8, 0.4, 0.5))
    assert found.by_group == pytest.approx({"weather": 0.5, "digital": 0.3})
    assert report.notes == ()


def test_a_run_may_be_spread_over_files_and_a_file_given_twice_counts_once(tmp_path):
    cells = list(SCORES)
    first = write(tmp_path / "a.jsonl", records(scores={cell: SCORES[cell] for cell in cells[:2]}))
    second = write(tmp_path / "b.jsonl", records(scores={cell: SCORES[cell] for cell in cells[2:]}))
    runs = read_runs([first, second, first])
    assert [run.name for run in runs] == ["fan-t"]
    assert runs[0].results == first
    assert build_report(runs, PROTOCOL).models[0].summary.retention == pytest.approx(0.5)
    (tmp_path / "link.jsonl").symlink_to(first)
    for other in (os.path.relpath(first), tmp_path / "x" / ".." / "a.jsonl", tmp_path / "link.jsonl"):
        assert [run.name for run in read_runs([first, second, other])] == ["fan-t"]


def test_a_limit_that_chose_nothing_makes_no_subset(tmp_path):
    """A run that went on with a limit beyond its set: the same pictures, and records that lack the limit."""
    begun = records(pictures="20-abc")
    for record in begun[2:]:
        record["limit"] = 100
    assert build_report(read_runs([write(tmp_path / "a.jsonl", begun)]), PROTOCOL).notes == ()
    whole = write(tmp_path / "b.jsonl", records(pictures="20-abc", limit=100))
    assert build_report(read_runs([whole]), PROTOCOL).notes == ()
    some = write(tmp_path / "c.jsonl", records(pictures="20-abc", limit=20))
    assert build_report(read_runs([some]), PROTOCOL).notes == ("fan-t was judged on a subset of the pictures (20).",)


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        (
            {"checkpoint_hash": "aaaabbbbcccc"},
            {"checkpoint_hash": "ddddeeeeffff"},
            ["fan-t (checkpoint aaaabbbb)", "fan-t (checkpoint ddddeeee)"],
        ),
        ({"seed": 0}, {"seed": 1}, ["fan-t (seed 0)", "fan-t (seed 1)"]),
        ({"checkpoint_hash": "aaaabbbbcccc"}, {}, ["fan-t (checkpoint aaaabbbb)", "fan-t (no checkpoint)"]),
        (
            {"checkpoint_hash": "aaaabbbb1", "seed": 0},
            {"checkpoint_hash": "aaaabbbb2", "seed": 0},
            ["fan-t (checkpoint aaaabbbb, run 1)", "fan-t (checkpoint aaaabbbb, run 2)"],
        ),
        (
            {"config_hash": "1", "pictures": "x"},
            {"config_hash": "2", "pictures": "y"},
            ["fan-t (config 1, pictures x)", "fan-t (config 2, pictures y)"],
        ),
    ],
)
def test_two_runs_of_one_name_are_told_apart(tmp_path, one, other, names):
    path = write(tmp_path / "a.jsonl", records(**one), records(**other), records("segformer"))
    runs = read_runs([path])
    assert [run.name for run in runs] == [*names, "segformer"]
    assert [len(run.records) for run in runs] == [4, 4, 4]


def test_a_model_that_is_called_as_runs_of_another_are(tmp_path):
    own = records("fan (seed 0)", dict.fromkeys(SCORES, 0.2))
    runs = read_runs([write(tmp_path / "a.jsonl", records("fan", seed=0), records("fan", seed=1), own)])
    assert [run.name for run in runs] == ["fan (seed 0, run 1)", "fan (seed 1, run 2)", "fan (seed 0)"]
    labels = [records("fan (seed 0)", config_hash=name) for name in "ab"]
    runs = read_runs(
        [write(tmp_path / "b.jsonl", records("fan"), records("fan", seed=1), records("fan", seed=0), own, *labels)]
    )
    assert len({run.name for run in runs}) == len(runs) == 6


def test_one_model_on_two_data_sets_is_told_apart_by_them_alone(tmp_path):
    other = [{**record, "dataset": "bdd"} for record in records(seed=0, pictures="20-b", contents_hash="c")]
    runs = read_runs([write(tmp_path / "a.jsonl", records(checkpoint_hash="aaaa"), other)])
    assert [run.name for run in runs] == ["fan-t (cityscapes)", "fan-t (bdd)"]


def test_hand_written_files_with_the_same_cells_are_two_models(tmp_path):
    first = write(tmp_path / "a.jsonl", records())
    second = write(tmp_path / "b.jsonl", records(scores=dict.fromkeys(SCORES, 0.2)))
    report = build_report(read_runs([first, second]), PROTOCOL)
    assert [model.name for model in report.models] == ["fan-t (a.jsonl)", "fan-t (b.jsonl)"]
    assert [model.summary.corrupted for model in report.models] == pytest.approx([0.4, 0.2])


def test_other_metrics_and_those_of_single_classes(tmp_path):
    found = with_classes(records(), {"car": 1.0, "rider": 0.5, "train": None})
    for record in found:
        record["metrics"]["aAcc"] = 0.9
    runs = read_runs([write(tmp_path / "a.jsonl", found)])
    assert metrics_of(runs) == ["mIoU", "aAcc", "IoU.car", "IoU.rider", "IoU.train"]
    assert build_report(runs, PROTOCOL, "aAcc").models[0].summary.retention == pytest.approx(1)
    assert build_report(runs, PROTOCOL, "IoU.rider").models[0].summary.corrupted == pytest.approx(0.2)
    with pytest.raises(
        ReportError, match=r"No.* 'bbox_mAP'. There are mIoU, aAcc, and those of single classes.* IoU.car"
    ):
        build_report(runs, PROTOCOL, "bbox_mAP")
    with pytest.raises(SummaryError, match=r"IoU\.train is not defined in any cell"):
        build_report(runs, PROTOCOL, "IoU.train")


def test_scores_by_class(tmp_path):
    found = with_classes(records(), {"car": 1.0, "rider": 0.0, "train": None})
    report = build_report(read_runs([write(tmp_path / "a.jsonl", found)]), PROTOCOL)
    assert report.class_metric == "IoU"
    scores = report.models[0].per_class
    assert scores["car"] == pytest.approx((0.8, 0.4, 0.5))
    assert scores["rider"] == (0, 0, None)
    assert scores["train"] == (None, None, None)


def test_detection_finds_its_classes(tmp_path):
    found = records(metric="bbox_mAP")
    for record in found:
        record["per_class"] = {"bbox_AP": {"person": record["metrics"]["bbox_mAP"]}}
    report = build_report(read_runs([write(tmp_path / "a.jsonl", found)]), PROTOCOL, "bbox_mAP")
    assert report.class_metric == "bbox_AP"
    assert report.models[0].per_class["person"].retention == pytest.approx(0.5)


def test_classes_in_some_records_only_are_left_out_and_said(tmp_path):
    found = records()
    found[0]["per_class"] = {"IoU": {"car": 0.5}}
    report = build_report(read_runs([write(tmp_path / "a.jsonl", found)]), PROTOCOL)
    assert report.models[0].per_class == {}
    assert any(note.startswith("fan-t has no scores by class") for note in report.notes)


def test_missing_cells_are_errors_unless_a_partial_report_is_asked_for(tmp_path):
    scores = {cell: score for cell, score in SCORES.items() if cell != ("fog", 2)}
    runs = read_runs([write(tmp_path / "a.jsonl", records(scores=scores))])
    with pytest.raises(MissingCellsError, match="fog 2"):
        build_report(runs, PROTOCOL)
    report = build_report(runs, PROTOCOL, partial=True)
    assert report.models[0].summary.corrupted == pytest.approx(0.45)
    assert report.notes == ("PARTIAL: fan-t lacks 1 cell: fog 2.",)


def test_an_error_says_whose_records_it_is_of(tmp_path):
    """Of twenty models in as many files, say."""
    good = write(tmp_path / "a.jsonl", records())
    nowhere = {**SCORES, ("fog", 1): float("nan")}
    bad = write(tmp_path / "b.jsonl", records("other", nowhere), records("third", metric="bbox_mAP"))
    runs = read_runs([good, bad])
    with pytest.raises(SummaryError, match=r"^other, in .*b\.jsonl: mIoU is not a number in the cells fog 1") as found:
        build_report(runs, PROTOCOL)
    assert [str(cell) for cell in found.value.cells] == ["fog 1"]
    with pytest.raises(SummaryError, match=r"^third, in .*b\.jsonl: No 'mIoU' in the records"):
        build_report([runs[0], runs[2]], PROTOCOL)
    seeds = write(tmp_path / "c.jsonl", records(seed=0), records(seed=1)[:3])
    with pytest.raises(MissingCellsError, match=r"^fan-t \(seed 1\), in .*c\.jsonl: 2 of the 3 cells"):
        build_report(read_runs([seeds]), PROTOCOL)


def test_a_subset_of_the_pictures_and_unlike_runs_are_said(tmp_path):
    path = write(tmp_path / "a.jsonl", records(limit=50, seed=0), records("other", seed=1))
    notes = " ".join(build_report(read_runs([path]), PROTOCOL).notes)
    assert "fan-t was judged on a subset of the pictures (50)" in notes
    assert "were judged on different seeds of the corruptions (0, 1)" in notes
    assert "may have been judged on different lists of pictures (50, not recorded)" in notes


def test_published_rows_are_never_compared_in_silence(tmp_path):
    runs = read_runs([write(tmp_path / "a.jsonl", records())])
    rows = published_rows(["SegFormer-B5", "FAN-T-Hybrid"], metric="mIoU")
    notes = " ".join(build_report(runs, PROTOCOL, published=rows).notes)
    assert "SegFormer-B5 (kamann16, 72 cells) is not comparable" in notes
    assert "this report is on small, 3 cells" in notes
    assert "FAN-T-Hybrid (protocol not stated) is not comparable" in notes
    noted = [row for row in rows if row.note]
    assert [row.name for row in noted] == ["FAN-T-Hybrid"]
    assert f"FAN-T-Hybrid: {noted[0].note}" in build_report(runs, PROTOCOL, published=rows).notes
    everything = published_beside(runs, "mIoU")
    assert everything
    assert {row.dataset for row in everything} == {"cityscapes"}
    assert published_beside(runs, "segm_mAP") == ()  # those are of another data set
    with pytest.raises(ValueError, match="Did you mean 'SegFormer-B5'"):
        published_beside(runs, "mIoU", ["SegFormer-B6"])


def test_published_rows_of_another_data_set_are_said(tmp_path):
    found = [{**record, "dataset": "camvid"} for record in records()]
    rows = published_rows(["SegFormer-B5"], metric="mIoU")
    report = build_report(read_runs([write(tmp_path / "a.jsonl", found)]), PROTOCOL, published=rows)
    assert "SegFormer-B5 was judged on cityscapes, not on camvid." in report.notes


@pytest.mark.parametrize(("pictures", "said"), [("500-abc", False), ("40-abc", True), (40, True), (None, False)])
def test_published_rows_of_more_pictures_are_said(tmp_path, pictures, said):
    runs = read_runs([write(tmp_path / "a.jsonl", records(pictures=pictures))])
    rows = published_rows(["SegFormer-B5"], metric="mIoU")
    note = "SegFormer-B5 was judged on 500 pictures, not on 40."
    assert (note in build_report(runs, PROTOCOL, published=rows).notes) == said


def test_corruption_error_against_a_reference(tmp_path):
    # errors: fog 0.4 + 0.6, contrast 0.7 against 0.8 + 0.8 and 0.8; growth from 0.2 against growth from 0.2
    better, worse = records(), records("b", {**dict.fromkeys(SCORES, 0.2), ("clean", 0): 0.8})
    runs = read_runs([write(tmp_path / "a.jsonl", better, worse)])
    first, second = build_report(runs, PROTOCOL, reference="b").models
    assert first.error.mce == pytest.approx((1 / 1.6 + 0.7 / 0.8) / 2)
    assert first.error.relative_mce == pytest.approx((0.6 / 1.2 + 0.5 / 0.6) / 2)
    assert (second.error.mce, second.error.relative_mce) == pytest.approx((1, 1))
    with pytest.raises(ReportError, match="reference 'c' is not in the results, which have 'fan-t', 'b'"):
        build_report(runs, PROTOCOL, reference="c")
    assert build_report(runs, PROTOCOL).models[0].error is None
    with pytest.raises(SummaryError, match="protocol"):
        build_report(runs, PROTOCOL, reference="SegFormer-B5")


def test_corruption_error_against_a_published_row(tmp_path):
    scores = dict.fromkeys((CLEAN, *PROTOCOLS["kamann16"].cells), 0.5)
    runs = read_runs([write(tmp_path / "a.jsonl", records(scores=scores))])
    (row,) = published_rows(["SegFormer-B5"], metric="mIoU")
    (model,) = build_report(runs, "kamann16", reference="SegFormer-B5").models
    wanted = sum(0.5 / (1 - score) for score in row.by_corruption.values()) / 16
    assert model.error.mce == pytest.approx(wanted)


def test_bad_files(tmp_path):
    with pytest.raises(ReportError, match=r"no results file .*none\.jsonl"):
        read_runs([tmp_path / "none.jsonl"])
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(ReportError, match=r"empty\.jsonl holds no records"):
        read_runs([empty])
    broken = write(tmp_path / "broken.jsonl", records())
    broken.write_text("not json\n" + broken.read_text())
    with pytest.raises(ResultsError, match=r"broken\.jsonl, line 1"):
        read_runs([broken])
    with pytest.raises(ReportError, match="at least one results file"):
        read_runs([])
    with pytest.raises(ReportError, match="at least one model"):
        build_report([], PROTOCOL)
    with pytest.raises(ProtocolError, match="Did you mean 'kamann16'"):
        build_report(read_runs([write(tmp_path / "a.jsonl", records())]), "kamman16")


@pytest.mark.process
@pytest.mark.slow
def test_loads_neither_torch_nor_matplotlib():
    code = (
        "import sys, mmfan.evaluation.report.report, mmfan.evaluation.report.formats, mmfan.evaluation.report.gate\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('torch', 'mmengine', 'mmcv', 'mmseg', 'matplotlib')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
