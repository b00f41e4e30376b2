"""Files of costs that are damaged, and what is refused beside others."""

import pytest

from mmfan.benchmark.robust.costs_file import joined_costs, read_costs
from mmfan.errors import MMFanError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{broken", r"costs\.json is no JSON"),
        ('{"arms": 3}', r"costs\.json does not hold the costs"),
        ('{"arms": {"a": 1}}', r"costs\.json does not hold"),
        ('{"arms": {"a": {"seconds": "1"}}}', r"Expected seconds of a in .*costs\.json to be .* above 0, got '1'"),
        ('{"arms": {"a": {"seconds": null}}}', "Expected seconds of a in .* got None"),
        ('{"arms": {"a": {"seconds": true}}}', "Expected seconds of a in .* got True"),
        ('{"arms": {"a": {"seconds": 1, "memory": NaN}}}', "Expected memory of a in .* got nan"),
        ('{"arms": {"a": {"memory": Infinity}}}', "Expected memory of a in .* got inf"),
        ('{"arms": {"a": {"memory": 0}}}', "Expected memory of a in .* got 0"),
        ('{"arms": {"a": {"memory": -1.5}}}', r"Expected memory of a in .* got -1\.5"),
        ('{"arms": {"a": {"memory": 1%s}}}' % ("0" * 400), "Expected memory of a in .* got 10000"),
        ('{"config": 3, "arms": {}}', r"Expected `config` of .*costs\.json to be a name, got 3"),
    ],
)
def test_damaged_costs_are_named(tmp_path, content, message):
    (tmp_path / "costs.json").write_text(content)
    with pytest.raises(MMFanError, match=rf"{message}.*: delete it, and measure the costs again"):
        read_costs(tmp_path)


def test_an_arm_that_is_measured_again_is_replaced(tmp_path):
    assert joined_costs(tmp_path, {"config": "a", "arms": {}}) == {"config": "a", "arms": {}}
    (tmp_path / "costs.json").write_text('{"config": "a", "rounds": 6, "arms": {"cwfa": {"seconds": 1.5}}}')
    told = joined_costs(tmp_path, {"config": "a.py", "rounds": 9, "arms": {"cwfa": {"seconds": 1.2}}})
    assert told == {"config": "a.py", "rounds": 9, "arms": {"cwfa": {"seconds": 1.2}}}
    with pytest.raises(
        MMFanError, match=r"Expected costs measured with a, as those of .*costs\.json .* got costs of b"
    ):
        joined_costs(tmp_path, {"config": "b", "arms": {}})
