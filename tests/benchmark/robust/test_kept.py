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


def test_the_table_is_of_the_digits_that_were_kept(tmp_path):
    """13.74996 % is kept as 13.750 %: the table that is written now is the one that the lines give later."""
    write(tmp_path, "baseline-0", 0.1374996, 0.1)
    told = keep_evidence(read_evidence(tmp_path), tmp_path / "kept")
    assert cells(evidence_table(read_evidence(tmp_path)), "baseline")["clean"] == "13.7"
    assert cells(evidence_table(told), "baseline")["clean"] == "13.8"
    assert evidence_markdown(told) == evidence_markdown(read_evidence(tmp_path / "kept"))


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
    with pytest.raises(
        MMFanError, match=r"and wave-0, .* were judged differently and cannot be compared: limit 26 and 5\."
    ):
        keep_evidence(read_evidence(other), tmp_path / "kept")
    assert (tmp_path / "kept" / KEPT).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "does not begin with the names of the columns"),
        (lambda text: text.replace("arm,seed", "arm,sead"), "does not begin with the names of the columns"),
        (lambda text: text.replace("cwfa,0", "cwfb,0"), r"Line 3 of .*rows.csv is no row .*arm 'cwfb'"),
        (lambda text: text.replace("0.48000", "much"), r"Line 3 of .*rows.csv is no row .*clean .* got 'much'\)"),
        (
            lambda text: text.replace("0.48000", "0.00000"),
            r"Line 3 of .*rows.csv is no row .*clean .* above 0, got 0.0\)",
        ),
        (lambda text: text.replace("0.48000", "0.4"), r"Line 3 .*clean to be a number .* of 5 digits, got '0.4'\)"),
        (lambda text: text.replace("0.48000", "0.480000"), r"Line 3 .*clean to be .* of 5 digits, got '0.480000'\)"),
        (
            lambda text: text.replace("0.10000\n", "0.100\n", 1),
            r"Line 3 .*sparkles to be .* of 5 digits, got '0.100'\)",
        ),
        (lambda text: text.replace(",mIoU,", ",,", 1), r"Line 2 .*rows.csv is no row \(expected a metric, got none\)"),
        (lambda text: text.replace(",camvid,", ",,", 1), r"Line 2 .*expected a dataset, got none\)"),
        (lambda text: text.replace(",kamann16 at severity 3,", ",,", 1), r"Line 2 .*expected a protocol, got none\)"),
        (lambda text: text.replace(",plain,", ",,", 1), r"Line 2 .*expected a config, got none\)"),
        (lambda text: text.replace("cwfa,1", "\ncwfa,1"), r"Line 4 of .*rows.csv is blank: remove it"),
        (
            lambda text: text.replace("cwfa,0,", "cwfa,"),
            r"Line 3 of .*rows.csv is no row \(expected 44 fields, got 43\)",
        ),
        (lambda text: text.replace("cwfa,0,", "cwfa,00,"), r"Line 3 .*seed to be a whole number .*, got '00'\)"),
        (
            lambda text: "\n".join(line.replace(",config,", ",").replace(",plain,", ",") for line in text.split("\n")),
            r"rows.csv is of an earlier version, .* the config of a row: delete it, and keep the rows again",
        ),
        (
            lambda text: text.replace("0.48000", "nan"),
            r"Line 3 .*clean to be a number from 0 to 1 of 5 digits, got 'nan'\)",
        ),
        (
            lambda text: text.replace("0.48000", "48.0"),
            r"Line 3 .*clean to be a number from 0 to 1 of 5 digits, got '48.0'\)",
        ),
        (
            lambda text: text.replace("0.20000", "inf"),
            r"Line 2 .*fog to be a number from 0 to 1 of 5 digits, got 'inf'\)",
        ),
        (
            lambda text: text.replace("0.20000", "-0.2"),
            r"Line 2 .*fog to be a number from 0 to 1 of 5 digits, got '-0.2'\)",
        ),
        (lambda text: text.replace("0.20000", ""), r"Line 2 .*of all types, or .*, got none of fog\)"),
        (lambda text: text.replace("0.10000\n", "\n"), r"Line 3 .*of all types, or .*, got none of sparkles\)"),
        (
            lambda text: text.replace(",,0.48000", ",nan,0.48000"),
            r"Line 3 .*ECE to be a number from 0 to 1 of 5 digits, got 'nan'",
        ),
        (
            lambda text: text.replace(",,0.48000", ",6.6,0.48000"),
            r"Line 3 .*ECE to be a number from 0 to 1 of 5 digits, got '6.6'",
        ),
        (lambda text: text.replace("glass_blur m", "glas_blur m"), r"Line 3 .*corruptions as seen, got 'glas_blur'\)"),
        (lambda text: text.replace("none", "none fog"), r"Line 2 .*corruptions as seen, got 'none'\)"),
        (
            lambda text: text.replace("cwfa,0", "cwfa,-1"),
            r"Line 3 .*seed to be a whole number of at least 0, got '-1'\)",
        ),
        (lambda text: text.replace("cwfa,0", "cwfa,0.5"), r"Line 3 .*seed to be a whole number .*, got '0.5'\)"),
        (lambda text: text.replace("camvid,26", "camvid,0", 1), r"Line 2 .*limit to be a whole number of at least 1"),
        (
            lambda text: text.replace("cwfa,1", "cwfa,0"),
            r"Lines 3 and 4 of .*rows.csv are both of cwfa with seed 0: rem",
        ),
        (lambda text: text.replace("cwfa,1,", "cwfa,1,,"), r"Line 4 of .*rows.csv is no row"),
        (lambda text: text.replace("cwfa,1,", 'cwfa,1,"'), r"Line 4 of .*rows.csv is no line of CSV .*: restore it"),
        (
            lambda text: text.replace("cwfa,1,", "cwfa,\udcff,"),
            r"Line 4 of .*rows.csv is no text in UTF-8 .*: restore it",
        ),
    ],
)
def test_damaged_lines_are_named(out, tmp_path, change, message):
    kept = tmp_path / "kept"
    keep_evidence(read_evidence(out), kept)
    before = (kept / KEPT).read_text()
    assert change(before) != before
    (kept / KEPT).write_bytes(change(before).encode(errors="surrogateescape"))
    with pytest.raises(MMFanError, match=message):
        read_evidence(kept)


def test_swapped_textures_are_kept_and_types_that_nobody_tests_are_not(tmp_path):
    write(tmp_path, "textures-0", 0.5, 0.3, seen=["texture_swap", "drizzle"])
    write(tmp_path, "wave-0", 0.5, 0.3, seen=["drizzle"])
    keep_evidence(read_evidence(tmp_path), tmp_path / "kept")
    textures, wave = read_kept(tmp_path / "kept" / KEPT)
    assert (wave.arm, wave.seen, textures.seen) == ("wave", frozenset(), {"texture_swap"})


def test_a_clean_score_that_would_be_kept_as_0_is_none(tmp_path):
    write(tmp_path, "baseline-0", 0.000004, 0.000001)
    with pytest.raises(MMFanError, match="has no clean score, or 0"):
        read_evidence(tmp_path)


def costs(folder, config=None, **more):
    told = {"config": config, "rounds": 6} if config else {}
    (folder / "costs.json").write_text(json.dumps({**told, "arms": {"cwfa": {"seconds": 1.02}, **more}}))


def test_kept_costs_tell_their_config_and_rounds(out, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    costs(kept, swa={"seconds": 1.5})  # an earlier file, which does not tell
    costs(out, "configs/plain.py")
    keep_evidence(read_evidence(out), kept)
    told = json.loads((kept / "costs.json").read_text())
    assert (told["config"], told["rounds"]) == ("configs/plain.py", 6)
    assert told["arms"] == {"cwfa": {"seconds": 1.02}, "swa": {"seconds": 1.5}}
    (out / "costs.json").unlink()
    keep_evidence(read_evidence(out), kept)
    assert json.loads((kept / "costs.json").read_text()) == told
    costs(out)
    keep_evidence(read_evidence(out), kept)
    assert json.loads((kept / "costs.json").read_text()) == told


def test_costs_of_another_config_stand_beside_no_rows(out, tmp_path):
    kept = tmp_path / "kept"
    costs(out, "plain")
    keep_evidence(read_evidence(out), kept)
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    costs(out, "fan_b", apr={"seconds": 1.1})
    message = r"measured with plain, of which the rows of .* are trainings, got costs of fan_b: .*--config plain"
    with pytest.raises(MMFanError, match=message):
        read_evidence(out)
    assert {name: (kept / name).read_bytes() for name in before} == before
    (out / "costs.json").unlink()
    costs(kept, "fan_b")
    with pytest.raises(MMFanError, match=message):
        keep_evidence(read_evidence(out), kept)
    assert (kept / KEPT).read_bytes() == before[KEPT]


def test_the_command_keeps_rows_and_prints_the_table_of_all(out, tmp_path, capsys):
    kept = tmp_path / "kept"
    assert cli.main(["bench", "robust", "--out", str(out), "--keep", str(kept)]) == 0
    printed = capsys.readouterr().out
    assert cli.main(["bench", "robust", "--out", str(kept)]) == 0
    assert capsys.readouterr().out == printed
