"""Manifests that cannot be one are refused by name, with the cure."""

import json

import pytest

from mmfan.datasets.corrupted.manifest import Manifest, manifest_bytes, read_manifest
from mmfan.errors import MMFanError

MANIFEST = Manifest(
    corruption="fog",
    severity=3,
    split="val",
    seed=0,
    engine_version="2",
    corruption_version="2",
    parameters=None,
    format="png",
    quality=None,
    files={"ulm/a.png": "0" * 64, "ulm/b.png": "1" * 64},
)


def test_what_was_written_is_read(tmp_path):
    (tmp_path / "val.json").write_bytes(manifest_bytes(MANIFEST))
    assert read_manifest(tmp_path / "val.json") == MANIFEST
    assert read_manifest(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 3}, "it says 3 files and lists 2"),
        ({"files": {"ulm/a.png": 5, "ulm/b.png": None}}, "its files are not hashes by name"),
        ({"files": {"../a.png": "0" * 64, "b.png": "1" * 64}}, "it names files outside of the folder of its cell"),
        ({"files": {"/a.png": "0" * 64, "b.png": "1" * 64}}, "it names files outside of the folder of its cell"),
        ({"files": {"a\0.png": "0" * 64, "b.png": "1" * 64}}, "it names files outside of the folder of its cell"),
        ({"files": [1, 2]}, "'list' object has no attribute 'values'"),
        ({"colour": "red"}, "unexpected keyword argument 'colour'"),
    ],
)
def test_what_can_be_none_is_refused(tmp_path, change, message):
    path = tmp_path / "val.json"
    path.write_text(json.dumps(json.loads(manifest_bytes(MANIFEST)) | change), encoding="utf-8")
    with pytest.raises(MMFanError, match=rf"val\.json is not a manifest \(.*{message}.*\)\. Delete it; the next run"):
        read_manifest(path)
