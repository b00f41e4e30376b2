"""Protocols that a command line asks for."""

import pytest

from mmfan.evaluation.judging.asked import asked_protocol


def test_protocols_of_a_command_line(tmp_path):
    assert asked_protocol(None) is None
    assert asked_protocol("all19") == "all19"
    assert asked_protocol(None, ["fog"], [1]) == {"corruptions": ["fog"], "severities": [1]}
    (tmp_path / "p.json").write_text('{"corruptions": {"fog": [2]}}')
    assert asked_protocol(str(tmp_path / "p.json")) == {"corruptions": {"fog": [2]}}
    (tmp_path / "p.json").write_text("{")
    with pytest.raises(ValueError, match=r"p.json is no JSON file"):
        asked_protocol(str(tmp_path / "p.json"))
    with pytest.raises(ValueError, match="severities"):
        asked_protocol(None, ["fog"], [6])
