"""Files of state that may hold anything: what cannot be read is refused by its name, never with a traceback."""

import io
import json
import random
import warnings
import zipfile

import numpy as np
import pytest

from mmfan.cli.problems import is_file_problem
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.making.lock import BusyTargetError, shard_lock
from mmfan.datasets.corrupted.manifest import make_manifest, manifest_bytes, read_manifest
from mmfan.datasets.corrupted.record import SetRecord, check_record, library_versions, read_record
from mmfan.datasets.miniature.sets.build import read_manifest as read_miniature
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import get_protocol, read_description
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_csv, as_json, as_latex, as_markdown
from mmfan.evaluation.report.gate import read_expectations
from mmfan.evaluation.results.counts_file import read_counts, write_counts
from mmfan.utils.processes.shards import WHOLE

RECORD = SetRecord(0, "1", "folder", "png", None, library_versions())
SET = {"seed": 0, "engine_version": "1", "layout": "folder", "format": "png", "quality": None, "made_with": {"a": "1"}}
LINE = {"model": "m", "dataset": "d", "corruption": "fog", "severity": 1, "metrics": {"mIoU": 0.5}, "seed": 0,
        "pictures": "2-ab", "limit": 2, "per_class": {"IoU": {"car": 0.5}}, "classes": ["car"], "counts": "a.npz",
        "note": "n", "seconds": 1.5, "versions": {"torch": "2"}}  # fmt: skip
PROTOCOL = {"name": "p", "corruptions": {"fog": [1]}, "groups": {"weather": ["fog"]}, "source": "s"}
EXPECTED = {"protocol": "p", "metric": "mIoU", "tolerance": 0.1,
            "models": {"m": {"clean": [0.5, 0.1], "scores": {"fog": {"1": {"min": 0.1, "max": 0.9}}}}}}  # fmt: skip
MINIATURE = {"kind": "mmfan miniature cityscapes", "version": 1, "seed": 0, "size": [9, 9], "counts": {"train": 1}}


def report_on(path):
    lines = [LINE | {"corruption": "clean", "severity": 0, "counts": None}]
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines) + path.read_bytes() + b"\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = build_report(read_runs([path]), {"corruptions": {"fog": [1]}}, "mIoU", partial=True)
    for form in (as_csv, as_json, as_latex, as_markdown):
        form(report).encode()


def take_lock(path):
    folder = path.parent / "set" / ".making"
    folder.mkdir(parents=True)
    path.rename(folder / "lock-1-of-1.json")
    with shard_lock(folder.parent, WHOLE, print):
        pass


def check_set(path):
    path.rename(path.with_name("corrupted_set.json"))
    if read_record(path.parent) is not None:
        check_record(path.parent, RECORD)


def manifest_content():
    return json.loads(manifest_bytes(make_manifest(RECORD, "fog", 1, "val", {"a.png": "00"})))


READERS = {
    "results": (LINE, report_on),
    "record of a set": (SET, check_set),
    "manifest": (manifest_content(), lambda path: read_manifest(path).differences(RECORD)),
    "protocol": (PROTOCOL, lambda path: get_protocol(read_description(path))),
    "expectations": (EXPECTED, read_expectations),
    "expectations of own cells": (EXPECTED | {"protocol": PROTOCOL}, read_expectations),
    "lock": ({"pid": 1, "host": "h", "shard": "1/1"}, take_lock),
    "miniature": (MINIATURE, lambda path: read_miniature(path.parent)),
}
ODD = [None, True, 0, -1, 10**30, 10**400, 1.5, float("nan"), float("inf"), "", "x", "\x00", "\ud800", "\n", "$x$",
       "n" * 5000, [], [1], [[]], [None], {}, {"a": 1}, {"": None}]  # fmt: skip


def places(value, path=()):
    """Every place in a value: keys and numbers that lead to it."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_other(value, path, other):
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_other(value[path[0]], path[1:], other)
    return copy


def refused_or_read(reader, path):
    try:
        reader(path)
    except (MMFanError, OSError) as error:
        if isinstance(error, MMFanError) or is_file_problem(error):
            return str(error)
        raise
    return None


@pytest.mark.parametrize("kind", READERS)
def test_other_types_at_every_place(kind, tmp_path):
    content, reader = READERS[kind]
    tried = 0
    for at in places(content):
        for other in ODD:
            folder = tmp_path / str(tried)
            folder.mkdir()
            path = folder / ("miniature.json" if kind == "miniature" else "a.json")
            path.write_text(json.dumps(with_other(content, at, other)))
            refused_or_read(reader, path)
            tried += 1
    assert tried == len(ODD) * len(list(places(content)))


CONTENTS = {
    "empty": b"",
    "null": b"null",
    "zeros": b"\x00" * 100,
    "utf-16": b"\xff\xfe{}",
    "deep list": b"[" * 100_000,
    "deep dict": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "10 MB": b'"' + b"x" * 10_000_000 + b'"',
    "mark alone": b"\xef\xbb\xbf",
    "twice": b'{"seed": 0, "seed": 1}',
    "digits": b"9" * 5000,
    "NaN": b"NaN",
    "infinite": b"-Infinity",
    "bytes": b'{"model": "\xff"}',
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("kind", READERS)
def test_other_contents(kind, content, tmp_path):
    path = tmp_path / ("miniature.json" if kind == "miniature" else "a.json")
    path.write_bytes(content)
    said = refused_or_read(READERS[kind][1], path)
    if kind in ("record of a set", "manifest", "protocol", "expectations"):
        assert str(tmp_path) in said  # it names the file


@pytest.mark.parametrize("kind", [kind for kind in READERS if kind != "lock"])
def test_folders_in_their_place(kind, tmp_path):
    path = tmp_path / "miniature.json"
    path.mkdir()
    if kind != "results":
        said = refused_or_read(READERS[kind][1], path)
        assert kind == "miniature" or str(tmp_path) in said


def test_a_mark_at_the_begin_is_no_part_of_a_file(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(PROTOCOL).encode())
    assert get_protocol(read_description(tmp_path / "a.json")).cells == (Cell("fog", 1),)


def test_a_lock_file_of_a_machine_that_is_gone_holds_nobody_up(tmp_path):
    (tmp_path / ".making").mkdir()
    (tmp_path / ".making/lock-1-of-1.json").write_text('{"pid": 1, "host": "another", "shard": "1/1"}')
    with shard_lock(tmp_path, WHOLE, print), pytest.raises(BusyTargetError), shard_lock(tmp_path, WHOLE, print):
        pass
    assert not (tmp_path / ".making").exists()


def test_counts_of_any_bytes(tmp_path):
    path = tmp_path / "a.npz"
    write_counts(path, np.arange(12).reshape(2, 2, 3), ["a", "b"], ["x", "y"])
    content, dice = path.read_bytes(), random.Random(0)
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(dice.randint(1, 4)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        path.write_bytes(changed[: dice.choice([len(changed), dice.randrange(len(changed))])])
        refused_or_read(read_counts, path)


def test_counts_that_say_they_are_huge(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (10**6, 10**6, 3)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name in ("counts", "pictures", "classes"):
            archive.writestr(f"{name}.npy", header.getvalue())
    assert str(tmp_path / "a.npz") in refused_or_read(read_counts, tmp_path / "a.npz")
