"""Hashes that tell runs apart, and no more than that."""

import hashlib
from collections import OrderedDict

import pytest

from mmfan.evaluation.results.hashes import _digest, config_hash, file_hash, pictures_hash

MODEL = {"type": "EncoderDecoder", "backbone": {"type": "MiT", "depths": [2, 2], "init_cfg": {"checkpoint": "a.pth"}}}
PIPELINE = [{"type": "LoadImageFromFile", "backend_args": None}, {"type": "Resize", "scale": (64, 32)}]


def test_config_hash_sees_what_changes_predictions():
    known = config_hash(MODEL, PIPELINE)
    assert len(known) == 16
    changed = [
        config_hash({**MODEL, "type": "Cascade"}, PIPELINE),
        config_hash(MODEL, [PIPELINE[0], {"type": "Resize", "scale": (64, 64)}]),
        config_hash(MODEL, PIPELINE, fp16=True),
        config_hash({**MODEL, "backbone": {"type": "MiT", "depths": [2, 3]}}, PIPELINE),
    ]
    assert len({known, *changed}) == 5


def test_config_hash_does_not_see_the_rest():
    known = config_hash(MODEL, PIPELINE)
    other = OrderedDict(backbone={"depths": (2, 2), "type": "MiT", "with_cp": True}, type="EncoderDecoder")
    moved = [{"type": "LoadImageFromFile", "backend_args": {"backend": "petrel"}}, PIPELINE[1]]
    assert config_hash(other, moved, fp16=False, tta=None) == known


def test_classes_in_a_config_count_by_their_name():
    assert config_hash({"type": OrderedDict}, []) == config_hash({"type": "collections.OrderedDict"}, [])


def test_sets_and_functions_in_a_config_count_by_what_they_are():
    known = config_hash({"skip": {"b", "a"}, "call": hashlib.sha256}, [])
    assert config_hash({"skip": frozenset(["a", "b"]), "call": hashlib.sha256}, []) == known
    assert config_hash({"skip": {"a"}, "call": hashlib.sha256}, []) != known
    assert config_hash({"skip": {"a", "b"}, "call": hashlib.md5}, []) != known
    assert config_hash({"scale": 1 + 2j}, []) == config_hash({"scale": "(1+2j)"}, [])


def test_file_hash(tmp_path):
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)
    assert file_hash(tmp_path / "f") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    with open(tmp_path / "f", "rb") as file:  # as Python 3.10 does it
        assert _digest(file) == file_hash(tmp_path / "f")
    with pytest.raises(FileNotFoundError, match="nothing"):
        file_hash(tmp_path / "nothing")


def test_pictures_hash_is_one_of_a_set():
    assert pictures_hash(["a", "b"]) == pictures_hash(["b", "a"])
    assert len({pictures_hash(names) for names in (["a"], ["a", "b"], ["a", "c"], [], ["\udcff"])}) == 5
