"""The table of evidence: its numbers by hand, what is not there, what cannot be compared, and its place in the page."""

import json
import re
from pathlib import Path

import pytest
from helpers.calibrated_results import calibrated, entry
from helpers.evidence import BLURS, TYPES, cells, write

from mmfan import cli
from mmfan.benchmark.robust import costs
from mmfan.benchmark.robust.evidence import read_evidence
from mmfan.benchmark.robust.table import ABSENT, evidence_markdown, evidence_table, fill_page, gains_table
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS


def test_means_and_spreads_beside_the_baseline(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.35)
    write(tmp_path, "baseline-1", 0.4, 0.3)
    write(tmp_path, "cwfa-0", 0.48, 0.36)
    (tmp_path / "costs.json").write_text(json.dumps({"config": "plain", "arms": {"cwfa": {"seconds": 1.021}}}))
    table = evidence_table(read_evidence(tmp_path))
    base, cwfa = cells(table, "baseline"), cells(table, "cwfa")
    # retentions 70 and 75 %: mean 72.5, standard deviation 5 / sqrt(2)
    assert (base["seeds"], base["clean"], base["corrupted"]) == ("2", "45.0 ± 7.1", "32.5 ± 3.5")
    assert base["retention"] == "72.5 ± 3.5"
    assert (base["clean gain"], base["corrupted gain"], base["retention gain"]) == ("-", "-", "-")
    assert base["C-bar"] == "22.5 ± 3.5"  # 20 and 25 %
    # of seed 0 alone, beside the baseline of seed 0: 48 - 50, 36 - 35 and 75 - 70
    assert (cwfa["clean gain"], cwfa["corrupted gain"], cwfa["retention gain"]) == ("-2.0", "+1.0", "+5.0")
    assert (cwfa["retention"], cwfa["C-bar"], cwfa["baseline there"]) == ("75.0", "20.8", "70.0")
    assert (cwfa["time"], cwfa["memory"], cwfa["ECE"]) == ("1.02", "-", "-")
    assert "kamann16 at severity 3, 26 pictures of camvid" in table.caption


def test_a_gain_is_that_of_the_same_seeds(tmp_path):
    """Retentions 60, 64, 68 of the baseline and 70, 72 of its last two seeds: 6 and 4 points, 5 on average.

    Over all seeds it would be 7. The standard error is that of 6 and 4, sqrt(2) / sqrt(2) = 1.
    """
    for seed, corrupted in enumerate((0.30, 0.32, 0.34)):
        write(tmp_path, f"baseline-{seed}", 0.5, corrupted)
    for seed, corrupted in ((1, 0.35), (2, 0.36)):
        write(tmp_path, f"apr-{seed}", 0.5, corrupted)
    row = cells(evidence_table(read_evidence(tmp_path)), "apr")
    assert (row["retention"], row["retention gain"]) == ("71.0 ± 1.4", "+5.0 ± 1.0")
    assert (row["clean gain"], row["baseline there"]) == ("+0.0 ± 0.0", "66.0 ± 2.8")
    (tmp_path / "baseline-1.jsonl").unlink()
    assert cells(evidence_table(read_evidence(tmp_path)), "apr")["retention gain"] == "+4.0"
    (tmp_path / "baseline-2.jsonl").unlink()
    row = cells(evidence_table(read_evidence(tmp_path)), "apr")
    assert (row["retention gain"], row["baseline there"]) == ("-", "-")


def test_gains_by_groups_of_types_and_with_the_first_seed_alone(tmp_path):
    """The arm is 1 point better, in blurs 4 and 2 points worse with its two seeds: -3, with a standard error of 1."""
    for seed, blurred in enumerate((0.26, 0.28)):
        write(tmp_path, f"baseline-{seed}", 0.5, 0.3)
        write(tmp_path, f"cwfa-{seed}", 0.5, 0.31, special=dict.fromkeys(BLURS, blurred))
    write(tmp_path, "wave-0", 0.45, 0.36)
    table = gains_table(read_evidence(tmp_path))
    assert [row[0] for row in table.rows] == ["cwfa", "wave"]
    cwfa, wave = cells(table, "cwfa"), cells(table, "wave")
    assert (cwfa["seeds"], cwfa["blur"], cwfa["noise"], cwfa["weather"]) == (
        "2",
        "-3.0 ± 1.0",
        "+1.0 ± 0.0",
        "+1.0 ± 0.0",
    )
    # (12 * 31 + 4 * 26) / 16 = 29.75, which is no number of binary digits: a little less
    assert (cwfa["clean, seed 0"], cwfa["corrupted, seed 0"], cwfa["retention, seed 0"]) == ("+0.0", "-0.3", "-0.5")
    assert (wave["clean, seed 0"], wave["corrupted, seed 0"], wave["retention, seed 0"]) == ("-5.0", "+6.0", "+20.0")
    (tmp_path / "cwfa-1.jsonl").unlink()
    assert gains_table(read_evidence(tmp_path)).head == ("arm", "seeds", "blur", "noise", "digital", "weather")
    assert "| cwfa |     1 | -4.0 |  +1.0 |    +1.0 |    +1.0 |" in evidence_markdown(read_evidence(tmp_path))
    for seed in (0, 1):
        (tmp_path / f"baseline-{seed}.jsonl").unlink()
    assert gains_table(read_evidence(tmp_path)).rows == ()


def test_types_of_cbar_that_a_training_shows_are_told(tmp_path):
    """Of the ten types at 0.1 the wave scores 0.4 on the one that it was trained on: 26 %, and 20 % over the others."""
    wave = "single_frequency_greyscale"
    write(tmp_path, "baseline-0", 0.5, 0.3, special={wave: 0.05})
    write(tmp_path, "wave-0", 0.5, 0.3, seen=[wave], special={wave: 0.4})
    evidence = read_evidence(tmp_path)
    assert cells(evidence_table(evidence), "wave")["C-bar"] == "26.0"
    assert cells(evidence_table(evidence), "baseline")["C-bar"] == "19.0"
    assert cells(evidence_table(evidence), "wave")["unseen"] == "60.0"  # of kamann16, as it ever was
    assert evidence_markdown(evidence).endswith(
        f"The training of wave shows {wave} of C-bar. Retention over the others: 20.0; baseline there: 20.0."
    )


def test_a_training_that_tells_nothing_has_no_unseen_types(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3, seen=None)
    row = cells(evidence_table(read_evidence(tmp_path)), "baseline")
    assert (row["retention"], row["unseen"], row["baseline there"]) == ("60.0", "-", "-")


def test_a_training_with_steps_that_nobody_knows_has_no_unseen_types(tmp_path):
    wave = "single_frequency_greyscale"
    write(tmp_path, "baseline-0", 0.5, 0.3)
    write(tmp_path, "wave-0", 0.5, 0.4, seen=[wave])
    write(tmp_path, "wave-1", 0.5, 0.4, seen=[wave], unknown=["Albu", "My"])
    evidence = read_evidence(tmp_path)
    row = cells(evidence_table(evidence), "wave")
    assert (row["retention"], row["unseen"], row["baseline there"]) == ("80.0 ± 0.0", "-", "-")
    assert cells(evidence_table(evidence), "baseline")["unseen"] == "60.0"
    assert evidence_markdown(evidence).endswith(
        "|\n\nNobody has said what these steps of the training of wave show, and so it has no unseen types: Albu, My."
    )
    (tmp_path / "wave-1.jsonl").unlink()
    assert "Nobody" not in evidence_markdown(read_evidence(tmp_path))


def test_over_unseen_types_beside_the_baseline_over_the_same(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3, special=dict.fromkeys(BLURS, 0.1))
    write(tmp_path, "filter-0", 0.5, 0.4, seen=BLURS)
    row = cells(evidence_table(read_evidence(tmp_path)), "filter")
    assert (row["unseen"], row["baseline there"]) == ("80.0", "60.0")  # all 16 of the baseline: 50 %
    assert row["retention gain"] == "+30.0"


def test_ece_is_the_mean_over_the_types_of_kamann16(tmp_path):
    """Confidence 0.9: 7 of 10 right in blurs (ECE 20 %), 8 in the other twelve types (10 %), none in C-bar."""
    for seed, of_blurs in enumerate((7, 5)):
        entries = {("clean", 0): entry({13: (10, 0.9, 9)})}
        entries |= {(kind, 3): entry({13: (10, 0.9, of_blurs if kind in BLURS else 8)}) for kind in TYPES}
        entries |= {(kind, 3): entry({13: (10, 0.9, 0)}) for kind in CBAR}
        write(tmp_path, f"cwfa-{seed}", 0.5, 0.3)
        path = tmp_path / f"cwfa-{seed}.jsonl"
        records = calibrated([json.loads(line) for line in path.read_text().splitlines()], entries)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    # (4 * 20 + 12 * 10) / 16 = 12.5 and (4 * 40 + 12 * 10) / 16 = 17.5
    assert cells(evidence_table(read_evidence(tmp_path)), "cwfa")["ECE"] == "15.0 ± 3.5"


def test_one_picture_or_all_of_them(tmp_path):
    for limit, words in ((1, "1 picture of camvid"), (None, "all pictures of camvid")):
        write(tmp_path, "baseline-0", 0.5, 0.3, limit=limit)
        assert f"kamann16 at severity 3, {words}; " in evidence_table(read_evidence(tmp_path)).caption


def test_arms_that_nobody_trained_are_said_to_be_not_measured(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3)
    write(tmp_path, "cwfa-0", 0.5, 0.3, types=TYPES[:3])
    evidence = read_evidence(tmp_path)
    assert cells(evidence_table(evidence), "swa")["clean"] == ABSENT == cells(evidence_table(evidence), "cwfa")["clean"]
    assert evidence_markdown(evidence).endswith("Judged in part, and left out: cwfa-0.")


def test_a_name_that_begins_like_another_is_no_seed_of_it(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3)
    write(tmp_path, "cwfa-augmix-0", 0.5, 0.4)
    table = evidence_table(read_evidence(tmp_path))
    assert cells(table, "cwfa")["clean"] == ABSENT
    assert cells(table, "cwfa-augmix")["retention"] == "80.0"


def test_what_cannot_be_compared_is_refused(tmp_path):
    with pytest.raises(MMFanError, match="holds no finished row"):
        read_evidence(tmp_path)
    write(tmp_path, "baseline-0", 0.5, 0.3)
    write(tmp_path, "cwfa-0", 0.5, 0.3, pictures="others")
    with pytest.raises(
        MMFanError,
        match=r"baseline-0\.jsonl of .* and cwfa-0\.jsonl of .* and cannot be compared: pictures p and others\.",
    ):
        read_evidence(tmp_path)


def test_a_row_that_was_killed_before_its_first_cell(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3)
    (tmp_path / "cwfa-0.jsonl").touch()
    assert read_evidence(tmp_path).partly == ("cwfa-0",)


def test_two_runs_in_one_file_are_refused(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3)
    write(tmp_path, "baseline-1", 0.5, 0.3)
    with (tmp_path / "baseline-0.jsonl").open("a") as file:
        file.write((tmp_path / "baseline-1.jsonl").read_text())
    with pytest.raises(MMFanError, match="holds several runs"):
        read_evidence(tmp_path)


def test_the_whole_protocol_is_known_by_its_severities(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.4)
    records = [
        {"model": "baseline-0", "dataset": "camvid", "corruption": "clean", "severity": 0, "metrics": {"mIoU": 0.5}}
    ]
    records += [
        {**records[0], "corruption": cell.corruption, "severity": cell.severity, "metrics": {"mIoU": 0.4}}
        for cell in PROTOCOLS["kamann16"].cells
    ]
    (tmp_path / "baseline-0.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    row = cells(evidence_table(read_evidence(tmp_path)), "baseline")
    assert (row["retention"], row["C-bar"]) == ("80.0", "-")


def test_of_trainings_in_full_those_that_were_made_are_listed(tmp_path):
    for name, corrupted in (("baseline-0", 0.3), ("cwfa-0", 0.4)):
        write(tmp_path, name, 0.5, corrupted, types=TYPES)
        lines = (tmp_path / f"{name}.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        records += [{**one, "severity": at} for one in records[1:] for at in (1, 2, 4, 5)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    evidence = read_evidence(tmp_path)
    assert str(evidence.judged).startswith("kamann16, 26 pictures of camvid")
    assert [row[0] for row in evidence_table(evidence).rows] == ["baseline", "cwfa"]


def test_the_table_goes_between_its_marks(tmp_path):
    write(tmp_path, "baseline-0", 0.5, 0.3)
    evidence = read_evidence(tmp_path)
    page = "before\n<!-- evidence full -->\nold\n<!-- end full -->\nafter\n"
    once = fill_page(page, "full", evidence)
    assert once.startswith("before\n<!-- evidence full -->\n\n")
    assert once.endswith("\n\n<!-- end full -->\nafter\n")
    assert "old" not in once
    assert fill_page(once, "full", evidence) == once
    with pytest.raises(MMFanError, match="<!-- evidence yardstick -->"):
        fill_page(page, "yardstick", evidence)


def test_the_page_has_the_marks_and_says_what_was_kept():
    docs = Path(__file__).parents[3] / "docs"
    text = (docs / "robust_training.md").read_text(encoding="utf-8")
    for name in ("yardstick", "full", "full-b0"):
        assert text.count(f"<!-- evidence {name} -->\n") == text.count(f"<!-- end {name} -->") == 1
    kept = sorted((docs / "evidence").iterdir())
    assert kept
    for folder in kept:
        assert fill_page(text, folder.name, read_evidence(folder)) == text


def test_the_command_prints_the_table_and_fills_the_page(tmp_path, capsys):
    write(tmp_path, "baseline-0", 0.5, 0.3)
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- evidence full -->\n<!-- end full -->\nb\n", encoding="utf-8")
    assert cli.main(["bench", "robust", "--out", str(tmp_path), "--page", str(page), "--block", "full"]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed.startswith("Kamann16 at severity 3, 26 pictures of camvid; scores are mIoU in %")
    assert "'s.\n\n| arm " in printed
    assert page.read_text(encoding="utf-8") == f"a\n<!-- evidence full -->\n\n{printed}\n\n<!-- end full -->\nb\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"<!-- evidence full -->\n\xff<!-- end full -->",
            r"Expected a page in UTF-8, got .*page\.md \(invalid start byte",
        ),
        (
            b"<!-- evidence full -->\n<!-- end ful -->",
            r"page\.md cannot be filled\. Expected the marks .*<!-- end full -->",
        ),
    ],
)
@pytest.mark.parametrize("more", [[], ["--costs"]])
def test_a_page_that_cannot_be_filled_is_told_before_anything_is_measured_or_kept(
    tmp_path, monkeypatch, capsys, content, message, more
):
    monkeypatch.setattr(costs, "measure_costs", pytest.fail)
    out, page = tmp_path / "out", tmp_path / "page.md"
    out.mkdir()
    write(out, "baseline-0", 0.5, 0.3)
    page.write_bytes(content)
    asked = ["--keep", str(tmp_path / "kept"), "--page", str(page), "--block", "full", *more]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bench", "robust", "--out", str(out), *asked])
    assert stopped.value.code == 2
    assert re.search(message, capsys.readouterr().err)
    assert page.read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "page.md"]
