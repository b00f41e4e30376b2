"""JSON that may be anything: what is read, and what is refused."""

import pytest

from mmfan.errors import MMFanError
from mmfan.utils.json_files import parse_json, read_json


def test_what_is_json_is_read():
    assert parse_json(b'{"a": [1, 2.5, null, "\xc3\xa4"]}') == {"a": [1, 2.5, None, "ä"]}
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]  # with a byte order mark


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"a": 1', "Expecting"),
        (b'{"a": 1, "b": {"c": 1, "c": 1}}', "it has the key 'c' twice"),
        (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        (b'"\xff"', "can't decode byte 0xff"),
        ("[1]".encode("utf-16"), "can't decode byte"),
        (b"1" * 5000, "digits"),
    ],
    ids=["empty", "torn", "twice", "deep", "bytes", "utf-16", "digits"],
)
def test_what_is_not_is_refused_in_words(content, reason, tmp_path):
    with pytest.raises(ValueError, match=reason):
        parse_json(content)
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(MMFanError, match=reason) as refused:
        read_json(tmp_path / "a.json", "a list of cells", "Delete it.")
    assert str(refused.value).startswith(f"{tmp_path / 'a.json'} is not a list of cells: no JSON file (")
    assert str(refused.value).endswith("). Delete it.")
