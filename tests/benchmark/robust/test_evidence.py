"""Rows of a folder and of what is kept: those that are not alike are refused by name, and none is lost."""

import json
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.evidence import write

from mmfan.benchmark.robust.alone import alone
from mmfan.benchmark.robust.evidence import LOCK, evidence_of, joined, keep_evidence, read_evidence
from mmfan.benchmark.robust.kept import KEPT, read_kept, write_kept
from mmfan.errors import MMFanError

JUDGED = {
    "config_hash": "c1", "seed": 0, "contents_hash": "p1", "truth_hash": "t1", "metric_hash": "m1",
    "precision": "float32",
}  # fmt: skip


def folder(tmp_path, name, rows=("baseline-0",), **more):
    out = tmp_path / name
    out.mkdir(exist_ok=True)
    for row in rows:
        write(out, row, 0.5, 0.3, **{**JUDGED, **more})
    return out


@pytest.mark.parametrize(
    ("entry", "other", "told"),
    [
        ("truth_hash", "t2", "truth_hash t1 and t2"),
        ("contents_hash", "p2", "contents_hash p1 and p2"),
        ("metric_hash", "m2", "metric_hash m1 and m2"),
        ("config_hash", "c2", "config_hash c1 and c2"),
        ("precision", "bfloat16", "precision float32 and bfloat16"),
        ("seed", 77, "corruption_seed 0 and 77"),
        ("config", "segformer_mit-b0_camvid", "config plain and segformer_mit-b0_camvid"),
    ],
)
def test_rows_that_are_not_alike_stand_in_no_table(tmp_path, entry, other, told):
    out = folder(tmp_path, "out")
    kept = tmp_path / "kept"
    keep_evidence(read_evidence(folder(tmp_path, "out")), kept)
    before = (kept / KEPT).read_bytes()
    folder(tmp_path, "out", ["cwfa-0"], **{entry: other})
    with pytest.raises(MMFanError, match=rf"^baseline-0\.jsonl of .* and cwfa-0\.jsonl of .*: {told}\. Give each"):
        read_evidence(out)
    # beside kept rows, in place of the only one, and in a folder with lines of its own
    for row in ("cwfa-0", "baseline-0"):
        more = read_evidence(folder(tmp_path, f"of-{row}", [row], **{entry: other}))
        with pytest.raises(
            MMFanError,
            match=rf"^baseline-0 of .*rows\.csv and {row}, which is to be kept there, .*: {told}\. Give each",
        ):
            keep_evidence(more, kept)
        (tmp_path / f"of-{row}" / KEPT).write_bytes(before)
        with pytest.raises(MMFanError, match=rf"^baseline-0 of .*rows\.csv and {row}\.jsonl of .*: {told}\. Give each"):
            read_evidence(tmp_path / f"of-{row}")
    assert (kept / KEPT).read_bytes() == before


def test_what_the_weights_and_versions_are_makes_no_difference(tmp_path):
    folder(tmp_path, "out", versions={"mmfan": "0.2.0"}, date="2026-11-29")
    out = folder(tmp_path, "out", ["cwfa-0"], versions={"mmfan": "0.3.0"}, date="2027-01-02")
    evidence = read_evidence(out)
    assert set(evidence.rows) == {"baseline", "cwfa"}
    assert evidence.judged == read_kept_of(evidence, tmp_path).judged
    assert evidence.judged[-6:] == ("c1", "0", "p1", "t1", "m1", "float32")


def read_kept_of(evidence, tmp_path):
    keep_evidence(evidence, tmp_path / "kept")
    return read_kept(tmp_path / "kept" / KEPT)[0]


def test_a_file_of_another_row_is_refused(tmp_path):
    out = folder(tmp_path, "out", ["cwfa-0"])
    (out / "cwfa-0.jsonl").rename(out / "augmix-0.jsonl")
    with pytest.raises(
        MMFanError, match=r"Expected the records of augmix-0 in .*augmix-0\.jsonl, got those of 'cwfa-0'"
    ):
        read_evidence(out)


def test_a_row_without_its_work_folder_does_not_tell_its_config(tmp_path):
    out = folder(tmp_path, "out")
    (out / "baseline-0/plain.py").unlink()
    with pytest.raises(
        MMFanError, match=r"Expected one config in .*baseline-0, .* got none\. Copy the work folder along"
    ):
        read_evidence(out)


def test_a_folder_is_no_results_file(tmp_path):
    out = folder(tmp_path, "out")
    (out / "cwfa-0.jsonl").mkdir()
    with pytest.raises(MMFanError, match=r"Expected a results file, got .*cwfa-0\.jsonl: a folder is there"):
        read_evidence(out)


def test_rows_that_two_processes_keep_are_all_there(tmp_path):
    """The second waits until the first has written, and then adds to what the first wrote."""
    one = read_evidence(folder(tmp_path, "one"))
    other = read_evidence(folder(tmp_path, "other", ["cwfa-0"]))
    kept = tmp_path / "kept"
    kept.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with alone(kept / LOCK, "the evidence", wait=True):
            rows, _ = joined(one, kept)
            keeping = pool.submit(keep_evidence, other, kept)
            with pytest.raises(futures.TimeoutError):
                keeping.result(0.2)
            write_kept(kept / KEPT, rows)
        told = keeping.result(10)
    assert list(told.rows) == ["baseline", "cwfa"]
    assert [row.name for row in read_kept(kept / KEPT)] == ["baseline-0", "cwfa-0"]
    assert [path.name for path in kept.iterdir()] == [KEPT]


def test_steps_that_nobody_knows_are_kept(tmp_path):
    out = folder(tmp_path, "out", ["cwfa-0"], unknown=["Albu", "my.Step"], seen=["fog"])
    row = read_kept_of(read_evidence(out), tmp_path)
    assert (row.seen, row.unknown) == ({"fog"}, ("Albu", "my.Step"))
    path = out / "cwfa-0.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    del records[0]["training_overlap"]["unknown"]  # as records of earlier versions
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    assert read_evidence(out).rows["cwfa"][0].unknown == ("Albu", "my.Step")


def test_rows_of_one_table_are_checked_however_they_came(tmp_path):
    rows = [read_evidence(folder(tmp_path, "a")).rows["baseline"][0]]
    rows += read_evidence(folder(tmp_path, "b", ["cwfa-0"], limit=5)).rows["cwfa"]
    with pytest.raises(MMFanError, match=r"baseline-0 of .* and cwfa-0 of .* cannot be compared: limit 26 and 5"):
        evidence_of(rows, {"arms": {}}, (), tmp_path)
