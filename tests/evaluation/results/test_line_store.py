"""Lines that a long analysis leaves: its own, whole ones."""

import pytest

from mmfan.evaluation.results.line_store import LineStore


def value(entry):
    return int(entry["value"])


def test_parts_of_one_run_and_a_torn_line(tmp_path):
    path = tmp_path / "out" / "a.jsonl"
    ours, others = LineStore(path, "a", "part"), LineStore(path, "b", "part")
    assert list(ours.read(value)) == []
    ours.append(value=1)
    others.append(value=7)
    with path.open("a") as file:
        file.write('{"key": "a", "val')  # killed here
    with pytest.warns(UserWarning, match=r"a\.jsonl has a line that was not finished; its part is computed again"):
        assert list(ours.read(value)) == [1]
    ours.append(value=2)
    with pytest.warns(UserWarning, match="not finished"):
        assert list(ours.read(value)) == [1, 2]
    with pytest.warns(UserWarning, match="not finished"):
        assert list(others.read(value)) == [7]
