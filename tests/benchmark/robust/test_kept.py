"""Lines that are kept of rows: the same table again, beside others, and what is refused."""

import json

import pytest
from helpers.evidence import BLURS, cells, write

from mmfan import cli
from mmfan.benchmark.robust.evidence import keep_evidence, read_evidence
from mmfan.benchmark.robust.kept import KEPT, read_kept
from mmfan.benchmark.robust.table import evidence_markdown, evidence_table
from mmfan.errors import MMFanError


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    write(folder, "baseline-0", 0.5, 0.3, special={"fog": 0.2, "sparkles": 0.4})
    write(folder, "cwfa-0", 0.48, 0.4, seen=BLURS)
    write(folder, "cwfa-1", 0.47, 0.41, seen=BLURS)
    return folder


def test_the_same_table_of_the_lines_alone(out, tmp_path):
    (out / "costs.json").write_text(json.dumps({"arms": {"cwfa": {"seconds": 1.02, "memory": 1.1}}}))
    evidence = read_evidence(out)
    kept = tmp_path / "kept" / "yardstick"
    assert evidence_markdown(keep_evidence(evidence, kept)) == evidence_markdown(evidence)
    assert evidence_markdown(read_evidence(kept)) == evidence_markdown(evidence)
    (fog,) = {row.by_type["fog"] for row in read_kept(kept / KEPT) if row.arm == "baseline"}
    assert fog == 0.2


def test_rows_of_another_time_stay_and_the_same_one_is_replaced(out, tmp_path):
    kept = tmp_path / "kept"
    keep_evidence(read_evidence(out), kept)
    more = tmp_path / "more"
    more.mkdir()
    write(more, "wave-0", 0.5, 0.25)
    write(more, "cwfa-1", 0.5, 0.25)
    table = evidence_table(keep_evidence(read_evidence(more), kept))
    assert (cells(table, "baseline")["seeds"], cells(table, "cwfa")["seeds"]) == ("1", "2")
    assert cells(table, "wave")["retention"] == "50.0"
    assert cells(table, "cwfa")["clean"] == "49.0 ± 1.4"
    lines = (kept / KEPT).read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["baseline", "0"], ["cwfa", "0"], ["cwfa", "1"], ["wave", "0"],
    ]  # fmt: skip


def test_a_row_of_a_results_file_goes_before_its_line(out):
    keep_evidence(read_evidence(out), out)
    write(out, "cwfa-1", 0.5, 0.25)
    (again,) = [row for row in read_evidence(out).rows["cwfa"] if row.seed == 1]
    assert (again.clean, again.retention) == (0.5, 0.5)


def test_what_a_training_did_not_tell_and_what_was_not_judged(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3, seen=None, limit=None)
    write(tmp_path, "cwfa-0", 0.5, 0.3, seen=(), limit=None)
    keep_evidence(read_evidence(tmp_path), tmp_path / "kept")
    base, cwfa = read_kept(tmp_path / "kept" / KEPT)
    assert (base.seen, cwfa.seen, base.ece, base.judged.limit) == (None, frozenset(), None, None)


def test_rows_that_were_judged_differently_are_not_put_together(out, tmp_path):
    keep_evidence(read_evidence(out), tmp_path / "kept")
    before = (tmp_path / "kept" / KEPT).read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    write(other, "wave-0", 0.5, 0.3, limit=5)
    with pytest.raises(MMFanError, match=r"judged differently and cannot be compared: .*wave-0 on .*5 pictures"):
        keep_evidence(read_evidence(other), tmp_path / "kept")
    assert (tmp_path / "kept" / KEPT).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "does not begin with the names of the columns"),
        (lambda text: text.replace("arm,seed", "arm,sead"), "does not begin with the names of the columns"),
        (lambda text: text.replace("cwfa,0", "cwfb,0"), r"Line 3 of .*rows.csv is no row .*arm 'cwfb'"),
        (lambda text: text.replace("0.48000", "much"), r"Line 3 of .*rows.csv is no row .*'much'"),
        (lambda text: text.replace("0.48000", "0"), r"Line 3 of .*rows.csv is no row .*clean score 0.0"),
        (lambda text: text.replace("cwfa,1,", "cwfa,1,,"), r"Line 4 of .*rows.csv is no row"),
    ],
)
def test_damaged_lines_are_named(out, tmp_path, change, message):
    kept = tmp_path / "kept"
    keep_evidence(read_evidence(out), kept)
    (kept / KEPT).write_text(change((kept / KEPT).read_text()))
    with pytest.raises(MMFanError, match=message):
        read_evidence(kept)


def test_the_command_keeps_rows_and_prints_the_table_of_all(out, tmp_path, capsys):
    kept = tmp_path / "kept"
    assert cli.main(["bench", "robust", "--out", str(out), "--keep", str(kept)]) == 0
    printed = capsys.readouterr().out
    assert cli.main(["bench", "robust", "--out", str(kept)]) == 0
    assert capsys.readouterr().out == printed
