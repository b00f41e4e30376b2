"""Places written to: folders that are none, and disks that are too small."""

from collections import namedtuple

import pytest

from mmfan.evaluation.judging import places
from mmfan.evaluation.judging.findings import Findings


@pytest.mark.parametrize(("free", "fits"), [(10_000_000 + 3 * (20_000 + 4 * 1000) - 1, False), (11_000_000, True)])
def test_room(tmp_path, monkeypatch, free, fits):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: usage(0, 0, free))
    findings = Findings()
    places.check_places(tmp_path / "r.jsonl", 3, 1000, [], findings)
    assert (findings.problems == []) == fits
    assert fits or "may take 10 MB; the disk of" in findings.problems[0]


def test_folders_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "r.jsonl.pictures").write_text("")

    def refuse(**_):
        raise OSError(30, "Read-only file system")

    findings = Findings()
    places.check_places(tmp_path / "r.jsonl", 1, 0, [None], findings)
    assert findings.problems == [
        f"{tmp_path}/r.jsonl.pictures is a file, and what is written beside the results needs a folder there."
    ]
    monkeypatch.setattr(places.tempfile, "TemporaryFile", refuse)
    findings = Findings()
    places.check_places(tmp_path / "r.jsonl", 1, 10, [], findings)
    assert [problem.split(" cannot")[0] for problem in findings.problems] == [
        str(tmp_path), f"{tmp_path}/r.jsonl.counts",
    ]  # fmt: skip
    assert "Read-only file system" in findings.problems[0]
