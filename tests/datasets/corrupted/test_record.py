import json

import pytest

from mmfan.datasets.corrupted import record
from mmfan.datasets.corrupted.record import MixedSetError, SetRecord, check_record, claim_target, read_record

RECORD = '{"seed": 0, "engine_version": "1", "layout": "coco", "format": "png", "made_with": {}}'
WANTED = SetRecord(3, "1", "coco", "jpeg", 90, {"numpy": "2.2"})


def test_written_once_and_read_back(tmp_path):
    target = tmp_path / "deep/er"
    assert read_record(target) is None
    assert check_record(target, WANTED) is None
    assert claim_target(target, WANTED) == []
    assert read_record(target) == WANTED
    content = (target / "corrupted_set.json").read_bytes()
    assert json.loads(content)["quality"] == 90
    assert check_record(target, WANTED) == []
    assert (target / "corrupted_set.json").read_bytes() == content
    assert [path.name for path in target.iterdir()] == ["corrupted_set.json"]


@pytest.mark.parametrize("links", [True, False])
def test_the_first_of_two_wins(tmp_path, monkeypatch, links):
    """Between the look at the set and the writing, another process wrote its record."""
    if not links:
        monkeypatch.setattr(record.os, "link", lambda *_: (_ for _ in ()).throw(PermissionError("no links here")))
    assert check_record(tmp_path, WANTED) is None
    claim_target(tmp_path, SetRecord(0, "1", "coco", "jpeg", 90))
    content = (tmp_path / "corrupted_set.json").read_bytes()
    with pytest.raises(MixedSetError, match="base seed 0 there, 3 now"):
        claim_target(tmp_path, WANTED)
    assert (tmp_path / "corrupted_set.json").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["corrupted_set.json"]


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", '{"sed": 1}', '"x"', "[" * 100_000, RECORD.replace("{}", '"x"'), RECORD.replace("0", '"0"')),
        *(RECORD.replace('"png"', "{}"), RECORD.replace('"1"', "1"), RECORD.replace("}}", '}, "quality": "90"}')),
    ],
)
def test_what_is_no_record(tmp_path, content):
    (tmp_path / "corrupted_set.json").write_text(content)
    with pytest.raises(ValueError, match=f"{tmp_path}/corrupted_set.json is not the record of a corrupted set"):
        read_record(tmp_path)


def test_library_versions_are_remarked_on(tmp_path):
    claim_target(tmp_path, WANTED)
    said = check_record(tmp_path, SetRecord(3, "1", "coco", "jpeg", 90, {"numpy": "9.9"}))
    assert said == [f"{tmp_path} was begun with numpy 2.2, this is 9.9: pixels may differ by a grey level."]
