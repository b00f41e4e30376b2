"""Leaderboards: the order, and what may not stand in one."""

import json

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, write

from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.report import ReportError, build_report, read_runs
from mmfan.evaluation.report.formats import as_csv, as_json, as_latex, as_markdown
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.report.runs.choice import choose_groups, choose_metric, choose_protocol

FORGETFUL = {("clean", 0): 0.9, ("fog", 1): 0.5, ("fog", 2): 0.5, ("contrast", 1): 0.5}  # corrupted 50, kept 55.6
STEADY = {("clean", 0): 0.5, ("fog", 1): 0.4, ("fog", 2): 0.4, ("contrast", 1): 0.3}  # corrupted 35, kept 70


def on(dataset, found):
    return [{**record, "dataset": dataset} for record in found]


def runs_of(tmp_path, *groups):
    return read_runs([write(tmp_path / f"{at}.jsonl", found) for at, found in enumerate(groups)])


def test_by_retention_and_by_score(tmp_path):
    runs = runs_of(tmp_path, records(), records("f", FORGETFUL), records("s", STEADY))
    table = build_report(runs, PROTOCOL, ranked_by="retention").tables[0]
    assert table.title == "Leaderboard"
    assert table.head == ("model", "place", "clean", "corrupted", "retention", "worst type", "worst cell")
    assert [row[:5] for row in table.rows] == [
        ("s", "1", "50.0", "35.0", "70.0"),
        ("f", "2", "90.0", "50.0", "55.6"),
        ("fan-t", "3", "80.0", "40.0", "50.0"),
    ]
    assert table.rows[2][5:] == ("30.0 (contrast)", "30.0 (contrast 1)")
    assert "small, 3 cells; sorted by retention, which favours models that have little to lose" in table.caption
    for by, order in (("corrupted", ["f", "fan-t", "s"]), ("clean", ["f", "fan-t", "s"])):
        assert [row[0] for row in build_report(runs, PROTOCOL, ranked_by=by).tables[0].rows] == order


def test_equal_ones_share_a_place(tmp_path):
    runs = runs_of(tmp_path, records("a"), records("b"), records("c", {k: v / 2 for k, v in SCORES.items()}))
    table = build_report(runs, PROTOCOL, ranked_by="corrupted").tables[0]
    assert [row[:2] for row in table.rows] == [("a", "1"), ("b", "1"), ("c", "3")]


def test_each_data_set_by_itself(tmp_path):
    runs = runs_of(tmp_path, records("a"), on("bdd", records("a", STEADY)), on("bdd", records("b")))
    report = build_report(runs, PROTOCOL, ranked_by="retention")
    table = report.tables[0]
    assert table.head[:3] == ("model", "data set", "place")
    assert [row[:3] for row in table.rows] == [
        ("a (cityscapes)", "cityscapes", "1"),
        ("a (bdd)", "bdd", "1"),
        ("b", "bdd", "2"),
    ]
    assert table.sections == (1,)
    assert (table.texts, table.rivals.sets) == (2, ((0,), (1, 2)))
    assert "sorted by retention, within each data set" in table.caption


def test_in_every_form(tmp_path):
    runs = runs_of(tmp_path, records(), records("s1", STEADY), records("s2", FORGETFUL))
    groups = choose_groups(runs, ["steady=s*"])
    report = build_report(runs, PROTOCOL, ranked_by="corrupted", groups=groups, columns=["fog", "corrupted"])
    # corrupted 35 and 50: 42.5 and a standard deviation of 15 / sqrt 2
    assert report.tables[0].rows == (
        ("steady (n = 2)", "1", "45.0 ± 7.1", "42.5 ± 10.6"),
        ("fan-t", "2", "50.0", "40.0"),
    )
    assert "| steady (n = 2) |     1 | 45.0 ± 7.1 |" in as_markdown(report)
    assert "steady (n = 2) & 1 & 45.0 $\\pm$ 7.1 & \\textbf{42.5} $\\pm$ 10.6 \\\\" in as_latex(report)
    assert "Leaderboard" in as_html(report)
    content = json.loads(as_json(report))
    assert content["ranked_by"] == "corrupted"
    assert [(one["place"], one["name"]) for one in content["ranking"]] == [(1, "steady"), (2, "fan-t")]
    head, first, second = as_csv(report).splitlines()
    assert head == "model,data set,place,fog,fog:std,fog:runs,corrupted,corrupted:std,corrupted:runs"
    assert first.startswith("steady,cityscapes,1,0.45,")
    assert second == f"fan-t,cityscapes,2,0.5,,,{0.4},,"


def test_published_rows_of_the_same_protocol_are_ranked_and_others_left_out(tmp_path):
    scores = dict.fromkeys([("clean", 0), *PROTOCOLS["kamann16"].cells], 0.6)
    rows = published_rows(["SegFormer-B5", "FAN-T-Hybrid", "SegFormer-B5 (CWFA)", "Rein DINOv2-L"], metric="mIoU")
    (run,) = runs_of(tmp_path, records(scores=scores))
    report = build_report([run], "kamann16", ranked_by="corrupted", published=rows)
    assert [row[:2] for row in report.tables[0].rows] == [("SegFormer-B5 [1]", "1"), ("fan-t", "2")]
    (note,) = (note for note in report.notes if note.startswith("Left out of the ranking"))
    assert "SegFormer-B5 (CWFA) (kamann16, 72 cells)" in note  # has no corrupted score
    assert "FAN-T-Hybrid (protocol not stated), " in note
    assert "Rein DINOv2-L (level5, 16 cells)" in note
    (run,) = runs_of(tmp_path, records(scores=scores, pictures="40-abc"))
    report = build_report([run], "kamann16", ranked_by="corrupted", published=rows)
    assert [row[0] for row in report.tables[0].rows] == ["fan-t"]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"pictures": "500-a"}, {"pictures": "20-b"}, "unlike lists of pictures (0.jsonl: a, 500-a; 1.jsonl: b, 20-b)"),
        ({"contents_hash": "x"}, {"contents_hash": "y"}, "unlike bytes of the pictures (0.jsonl: a, x; 1.jsonl: b, y)"),
        ({"truth_hash": "x"}, {"truth_hash": "y"}, "unlike labels (0.jsonl: a, x; 1.jsonl: b, y)"),
    ],
)
def test_other_pictures_or_labels_are_refused(tmp_path, one, other, said):
    runs = runs_of(tmp_path, records("a", **one), records("b", **other))
    with pytest.raises(ReportError) as caught:
        build_report(runs, PROTOCOL, ranked_by="retention")
    assert str(caught.value).startswith("The models on cityscapes cannot be ranked: ")
    assert said in str(caught.value)


def test_other_classes_are_refused(tmp_path):
    def with_recalls(model, classes):
        each = {"IoU": dict.fromkeys(classes, 0.5), "Acc": dict.fromkeys(classes, 0.5)}
        return [{**record, "per_class": each} for record in records(model, dict.fromkeys(SCORES, 0.5))]

    runs = runs_of(tmp_path, with_recalls("a", ["car", "bus"]), with_recalls("b", ["car"]))
    with pytest.raises(
        ReportError, match=r"unlike classes \(0\.jsonl: a, 2 of 2 classes; 1\.jsonl: b, 1 of 1 classes\)"
    ):
        build_report(runs, PROTOCOL, ranked_by="retention")


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"seed": 0}, {"seed": 1}, "unlike base seeds of the corruptions (0.jsonl: a, 0; 1.jsonl: b, 1)"),
        ({"precision": "float32"}, {"precision": "float16"}, "unlike precisions"),
        ({"metric_hash": "x"}, {"metric_hash": "y"}, "unlike settings of the metric"),
        ({"contents_hash": "x"}, {}, "taken on trust; the records do not say it of b."),
    ],
)
def test_what_may_differ_is_said(tmp_path, one, other, said):
    runs = runs_of(tmp_path, records("a", **one), records("b", **other))
    notes = build_report(runs, PROTOCOL, ranked_by="retention").notes
    assert any(said in note for note in notes), notes


def test_unlike_protocols_are_refused_with_their_files(tmp_path):
    fog = {cell: score for cell, score in SCORES.items() if cell[0] != "contrast"}
    own = {"name": "fogs", "corruptions": {"fog": [1, 2]}, "groups": {}, "source": "a test"}
    runs = runs_of(tmp_path, records("a", protocol=PROTOCOL), records("b", fog, protocol=own))
    # b lacks the cells of a, but a has those of b
    assert choose_protocol(runs).name == "fogs"
    level5 = dict.fromkeys([("clean", 0), *PROTOCOLS["level5"].cells], 0.5)
    runs = runs_of(tmp_path, records("a", protocol=PROTOCOL), records("b", level5, protocol="level5"))
    with pytest.raises(ReportError, match=r"no protocol in common \(0\.jsonl: a, small; 1\.jsonl: b, level5\)"):
        choose_protocol(runs)


def test_unlike_metrics_are_refused_with_their_files(tmp_path):
    runs = runs_of(tmp_path, records("a"), records("b", metric="bbox_mAP"))
    with pytest.raises(ReportError, match=r"no metric in common \(0\.jsonl: a, mIoU; 1\.jsonl: b, bbox_mAP\)"):
        choose_metric(runs)


def test_models_that_lack_cells_are_refused(tmp_path):
    runs = runs_of(tmp_path, records("a"), records("b", {cell: SCORES[cell] for cell in list(SCORES)[:3]}))
    with pytest.raises(ReportError, match=r"lack cells cannot be ranked: b\."):
        build_report(runs, PROTOCOL, ranked_by="retention", partial=True)
    with pytest.raises(ReportError, match="A ranking is by retention, corrupted, clean, not by 'size'"):
        build_report(runs[:1], PROTOCOL, ranked_by="size")
