"""What an iteration costs: the trainings take turns, and what was measured before stays."""

import json
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count

import pytest
from helpers.tiny_segmentor import write_config, write_tree

from mmfan.benchmark.robust import costs
from mmfan.benchmark.robust.alone import alone
from mmfan.benchmark.robust.costs import Turns, arm_config, measure_costs, write_costs
from mmfan.benchmark.robust.evidence import LOCK
from mmfan.errors import MMFanError

MEMORY = {"baseline": 100, "cwfa": 150}


def test_costs_are_shares_of_the_baselines_in_the_same_rounds(tmp_path, monkeypatch):
    config = write_config(tmp_path / "seg.py", write_tree(tmp_path / "data"))
    monkeypatch.setattr(costs, "_memory", lambda arm, config: MEMORY[arm])
    ticks = count()
    monkeypatch.setattr(costs.time, "process_time", lambda: float(next(ticks)))
    lines = []
    (found,) = measure_costs(["baseline", "cwfa"], str(config), 1, lines.append)
    # by this clock each iteration takes 1 second
    assert found["arms"]["cwfa"] == {"seconds": 1.0, "own_seconds": 1.0, "memory": 1.5, "own_bytes": 150}
    assert found["arms"]["baseline"] == {"seconds": 1.0, "own_seconds": 1.0, "memory": 1.0, "own_bytes": 100}
    assert lines[0] == "cwfa: 1.00 s, 1.000 of the baseline's 1.00 s"


def test_a_training_that_fails_says_why(tmp_path):
    config = write_config(
        tmp_path / "seg.py", write_tree(tmp_path / "data"), "model['decode_head']['num_classes'] = 2\n"
    )
    with pytest.raises((RuntimeError, IndexError), match="arget"):
        costs._seconds("cwfa", str(config), 1)


def test_plug_ins_are_at_work_from_the_start(tmp_path):
    cfg = arm_config("cwfa", "fan_segformer_camvid_yardstick")
    assert cfg.custom_hooks[0]["begin"] == 0
    assert arm_config("swa", "fan_segformer_camvid_yardstick").custom_hooks[0]["begin_iter"] == 0


def test_what_was_measured_before_stays(tmp_path):
    write_costs(tmp_path, {"config": "a", "rounds": 1, "arms": {"cwfa": {"seconds": 1.0}}})
    write_costs(tmp_path, {"config": "configs/a.py", "rounds": 2, "arms": {"apr": {"seconds": 1.1}}})
    both = {"cwfa": {"seconds": 1.0}, "apr": {"seconds": 1.1}}
    assert json.loads((tmp_path / "costs.json").read_text())["arms"] == both
    with pytest.raises(
        MMFanError, match=r"measured with configs/a\.py, as those of .*, got costs of b, .*another folder"
    ):
        write_costs(tmp_path, {"config": "b", "rounds": 2, "arms": {}})
    assert json.loads((tmp_path / "costs.json").read_text())["arms"] == both
    assert [path.name for path in tmp_path.iterdir()] == ["costs.json"]


def test_costs_that_do_not_tell_their_config_stay_too(tmp_path):
    (tmp_path / "costs.json").write_text(json.dumps({"arms": {"cwfa": {"seconds": 1.0}}}))
    write_costs(tmp_path, {"config": "a", "rounds": 2, "arms": {"apr": {"seconds": 1.1}}})
    told = json.loads((tmp_path / "costs.json").read_text())
    assert told == {"config": "a", "rounds": 2, "arms": {"cwfa": {"seconds": 1.0}, "apr": {"seconds": 1.1}}}


def test_costs_wait_for_those_that_another_process_writes(tmp_path):
    with ThreadPoolExecutor(1) as pool:
        with alone(tmp_path / LOCK, "the costs", wait=True):
            writing = pool.submit(
                write_costs, tmp_path, {"config": "a", "rounds": 1, "arms": {"apr": {"seconds": 1.1}}}
            )
            with pytest.raises(futures.TimeoutError):
                writing.result(0.2)
            (tmp_path / "costs.json").write_text(json.dumps({"config": "a", "arms": {"cwfa": {"seconds": 1.0}}}))
        writing.result(10)
    assert set(json.loads((tmp_path / "costs.json").read_text())["arms"]) == {"cwfa", "apr"}


def test_the_baseline_alone_has_no_shares():
    with pytest.raises(MMFanError, match=r"Expected an arm beside the baseline, .* got none: name one \(--arms\)"):
        next(measure_costs(["baseline"], "no_config", 1, pytest.fail))


def test_a_training_that_is_too_short_is_named():
    turns, ended = Turns(), Future()
    ended.set_result(None)
    with pytest.raises(MMFanError, match="it is too short"):
        turns.ready(ended)
