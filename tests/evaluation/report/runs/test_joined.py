"""Groups of runs and paired differences in a report."""

import csv
import io
import json

import numpy as np
import pytest
from helpers.small_results import PROTOCOL, SCORES, records, write

from mmfan.evaluation.report import ReportError, build_report, read_runs
from mmfan.evaluation.report.formats import as_csv, as_json, as_latex, as_markdown
from mmfan.evaluation.report.runs.choice import choose_groups
from mmfan.evaluation.results.store import ResultsStore

NAMES = ["a.png", "b.png", "c.png", "d.png"]


def scaled(factor):
    return {cell: score * factor for cell, score in SCORES.items()}


def seeds(tmp_path, **more):
    """Clean 0.8, 0.6, corrupted 0.4, 0.3: the retention of both is 0.5; and one that is in no group."""
    found = [records("fan_s0", **more), records("fan_s1", scaled(0.75)), records("b0", scaled(0.5))]
    return read_runs([write(tmp_path / "a.jsonl", *found)])


def judged(path, model, gain=0, pictures=NAMES, **more):
    """Pictures of one class and 100 pixels; some are harder than others, for all models alike."""
    store = ResultsStore(path)
    for (name, at), score in SCORES.items():
        tp = (100 * score + gain + np.arange(len(pictures)) * 2).astype(int)
        counts = np.stack([tp, np.zeros(len(tp), int), 100 - tp], axis=-1)[:, None]
        record = {"model": model, "dataset": "cityscapes", "corruption": name, "severity": at, **more}
        kept = store.write_counts(record, counts, pictures, ["car"])
        store.append({**record, "metrics": {"mIoU": tp.mean() / 100}, "counts": kept})
    return path


def test_a_group_is_one_row_everywhere(tmp_path):
    runs = seeds(tmp_path)
    report = build_report(runs, PROTOCOL, groups=choose_groups(runs, ["fan=fan_s*"]))
    overview, members, by_type, kept, severities = report.tables
    # the standard deviation of two numbers is their distance over the root of 2
    row = ("fan (n = 2)", "small", "3", "70.0 ± 14.1", "35.0 ± 7.1", "50.0 ± 0.0")
    assert [line[:6] for line in overview.rows] == [row, ("b0", "small", "3", "40.0", "20.0", "50.0")]
    assert overview.rows[0][-1] == "26.2 ± 5.3 (contrast 1)"
    assert "± is the sample standard deviation over n runs" in overview.caption
    assert [line[:3] for line in members.rows] == [("fan_s0", "fan", "80.0"), ("fan_s1", "fan", "60.0")]
    assert by_type.head == ("corruption", "fan", "b0")
    assert by_type.rows[1] == ("fog", "43.8 ± 8.8", "25.0")
    assert kept.rows[0] == ("fog", "62.5 ± 0.0", "62.5")
    assert kept.rows[-1] == ("mean of types", "50.0 ± 0.0", "50.0")
    assert severities.rows[0] == ("clean", "70.0 ± 14.1", "40.0")
    assert "| fan (n = 2) |" in as_markdown(report)
    assert "fan (n = 2) & \\textbf{70.0} $\\pm$ 14.1 & \\textbf{35.0} $\\pm$ 7.1" in as_latex(report)


def test_a_group_in_json_and_csv(tmp_path):
    runs = seeds(tmp_path)
    groups = choose_groups(runs, ["fan=fan_s0,fan_s1"])
    report = build_report(runs, PROTOCOL, groups=groups)
    content = json.loads(as_json(report))
    (group,) = content["groups"]
    assert (group["name"], group["members"], group["clean"]["n"]) == ("fan", ["fan_s0", "fan_s1"], 2)
    assert group["clean"]["mean"] == pytest.approx(0.7)
    assert len(content["models"]) == 3
    row = list(csv.DictReader(io.StringIO(as_csv(report))))[-1]
    assert (row["name"], row["members"], row["clean:runs"]) == ("fan", "fan_s0, fan_s1", "2")
    assert float(row["clean:std"]) == pytest.approx(0.2 / 2**0.5)
    assert float(row["corruption:fog"]) == pytest.approx(0.4375)
    chosen = build_report(runs, PROTOCOL, groups=groups, columns=["fog", "worst cell"])
    first, second = csv.DictReader(io.StringIO(as_csv(chosen)))
    assert first["model"] == "fan"
    assert float(first["fog"]) == pytest.approx(0.4375)
    assert (second["worst cell"], float(second["worst cell:score"])) == ("contrast 1", pytest.approx(0.15))


def test_long_names_become_letters_that_are_explained(tmp_path):
    long = [f"a model with a name of many letters, seed {at}" for at in range(4)]
    path = write(tmp_path / "a.jsonl", *(records(name, scaled(1 - at / 10)) for at, name in enumerate(long)))
    runs = read_runs([path])
    report = build_report(runs, PROTOCOL, groups={"first": long[:2]})
    assert [row[0] for row in report.tables[0].rows] == ["A: first (n = 2)", f"B: {long[2]}", f"C: {long[3]}"]
    assert [row[0] for row in report.tables[1].rows] == [f"D: {long[0]}", f"E: {long[1]}"]
    assert report.tables[2].head == ("corruption", "A", "B", "C")


def test_how_groups_are_named(tmp_path):
    path = write(
        tmp_path / "a.jsonl",
        records("fan", checkpoint_hash="aaaa"),
        records("fan", checkpoint_hash="bbbb"),
        records("b0"),
        [{**record, "dataset": "bdd"} for name in ("b0", "b1") for record in records(name)],
    )
    runs = read_runs([path])
    assert choose_groups(runs, ["x=fan"]) == {"x": ["fan (checkpoint aaaa)", "fan (checkpoint bbbb)"]}
    assert choose_groups(runs, ["x = b*"]) == {"x": ["b0 (bdd)", "b1"]}  # the one on cityscapes stays by itself
    every = choose_groups(runs, ["x=*"])
    assert list(every) == ["x (cityscapes)", "x (bdd)"]
    assert [len(members) for members in every.values()] == [3, 2]
    for said in ("fan", "=fan", "x="):
        with pytest.raises(ReportError, match=r"Expected a group as NAME=RUN,RUN,"):
            choose_groups(runs, [said])
    with pytest.raises(ReportError, match=r"There is no run 'b2' for the group 'x'\. Did you mean 'b1'"):
        choose_groups(runs, ["x=b1,b2"])
    with pytest.raises(ReportError, match="two groups of the name 'x'"):
        choose_groups(runs, ["x=fan", "x=fan"])


def test_what_cannot_be_joined(tmp_path):
    runs = seeds(tmp_path)
    with pytest.raises(ReportError, match="has the name of a run"):
        build_report(runs, PROTOCOL, groups={"b0": ["fan_s0", "fan_s1"]})
    with pytest.raises(ReportError, match="cannot be in two groups, 'x' and 'y'"):
        build_report(runs, PROTOCOL, groups={"x": ["fan_s0", "fan_s1"], "y": ["fan_s1", "b0"]})
    with pytest.raises(ReportError, match="no run 's9' for the group 'x'; there are fan_s0, fan_s1, b0"):
        build_report(runs, PROTOCOL, groups={"x": ["fan_s0", "s9"]})
    with pytest.raises(ValueError, match="Expected two runs or more in the group 'x', got 1"):
        build_report(runs, PROTOCOL, groups={"x": ["fan_s0"]})
    first = write(tmp_path / "b.jsonl", records("s0", pictures="500-a", contents_hash="c"))
    second = write(tmp_path / "c.jsonl", records("s1", pictures="20-b", contents_hash="c"))
    with pytest.raises(
        ReportError, match=r"cannot be joined: .*unlike lists of pictures \(b\.jsonl: s0, 500-a; c\.json"
    ):
        build_report(read_runs([first, second]), PROTOCOL, groups={"x": ["s0", "s1"]})


def test_seeds_of_corruptions_that_differ_are_said(tmp_path):
    path = write(tmp_path / "a.jsonl", records("s0", seed=0), records("s1", seed=1))
    notes = build_report(read_runs([path]), PROTOCOL, groups={"x": ["s0", "s1"]}).notes
    assert any("unlike base seeds of the corruptions (a.jsonl: s0, 0; a.jsonl: s1, 1)" in note for note in notes)


def test_differences_of_models_on_the_same_pictures(tmp_path):
    paths = [judged(tmp_path / f"{name}.jsonl", name, gain) for name, gain in (("a", 0), ("b", 5), ("c", 0))]
    report = build_report(read_runs(paths), PROTOCOL)
    table = next(table for table in report.tables if table.title == "Differences")
    # five pixels of a hundred more in every picture; clean 83 and 88, corrupted 43 and 48
    assert table.rows[0][:3] == ("b", "+5.0 [+5.0, +5.0]", "+5.0 [+5.0, +5.0]")
    assert table.rows[0][3].startswith("+2.7 [")  # 48 / 88 - 43 / 83
    assert table.rows[1] == ("c", "+0.0 [+0.0, +0.0]", "+0.0 [+0.0, +0.0]", "+0.0 [+0.0, +0.0]")
    assert "minus those of a, in points" in table.caption
    assert "over 4 pictures (1000 draws" in table.caption
    assert json.loads(as_json(report))["differences"][0]["clean"]["value"] == pytest.approx(0.05)
    other = build_report(read_runs(paths), PROTOCOL, reference="b")
    table = next(table for table in other.tables if table.title == "Differences")
    assert [row[:2] for row in table.rows] == [("a", "-5.0 [-5.0, -5.0]"), ("c", "-5.0 [-5.0, -5.0]")]


def test_other_pictures_are_not_compared_and_said(tmp_path):
    one = judged(tmp_path / "a.jsonl", "a")
    other = judged(tmp_path / "b.jsonl", "b", pictures=[*NAMES[:3], "e.png"])
    report = build_report(read_runs([one, other]), PROTOCOL)
    assert report.differences == ()
    assert [note for note in report.notes if note.startswith("b is not compared with a picture by picture: ")]
    assert "not in both: d.png" in " ".join(report.notes)


def test_models_without_counts_have_no_differences(tmp_path):
    paths = [judged(tmp_path / "a.jsonl", "a"), write(tmp_path / "b.jsonl", records("b"))]
    report = build_report(read_runs(paths), PROTOCOL)
    assert report.differences == ()
    assert "Differences" not in [table.title for table in report.tables]


def test_columns_of_intervals_errors_and_data_sets(tmp_path):
    paths = [judged(tmp_path / f"{name}.jsonl", name, gain) for name, gain in (("a", 0), ("b", 10))]
    columns = ["data set", "clean interval", "mCE", "relative mCE", "cells"]
    report = build_report(read_runs(paths), PROTOCOL, reference="a", columns=columns)
    table = report.tables[0]
    assert table.head == ("model", *columns)
    # pictures of 80, 82, 84 and 86 of 100: no mean of four of them is outside
    low, high = (float(end) for end in table.rows[0][2].split(" to "))
    assert 80.0 <= low < 83.0 < high <= 86.0
    # errors of fog: 0.47 and 0.37 on average, of contrast 0.67 and 0.57
    mce = 100 * (0.37 / 0.47 + 0.57 / 0.67) / 2
    assert table.rows[0][3:] == ("100.0", "100.0", "3")
    assert float(table.rows[1][3]) == pytest.approx(mce, abs=0.06)
    text = as_latex(report)
    assert f"\\textbf{{{table.rows[1][3]}}}" in text  # the lowest error is the best
    assert "\\textbf{3}" not in text  # numbers of cells do not compete
    with pytest.raises(ReportError, match="There is no column 'mCE'"):
        build_report(read_runs(paths), PROTOCOL, columns=["mCE"])
