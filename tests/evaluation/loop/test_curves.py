"""Curves in mmengine's backends: which scalars, at which steps, in the loop and in TensorBoard's own files."""

import json

import pytest
from helpers.tiny_robustness import judge, write_parts

from mmfan.evaluation.loop.curves import Curves

CLEAN = {"corruption": "clean", "severity": 0, "metrics": {"mIoU": 0.8, "x": 0.0, "gone": None}}
FOG = [{"corruption": "fog", "severity": at, "metrics": {"mIoU": score, "x": 0.5, "gone": 0.5}}
       for at, score in ((1, 0.6), (3, 0.4))]  # fmt: skip


class Visualizer:
    """Keeps (step, name, value) of what it is given."""

    def __init__(self):
        self.added = []

    def add_scalars(self, scalars, step):
        self.added += [(step, name, value) for name, value in scalars.items()]


def record(one):
    return {"model": "a", "dataset": "b", **one}


def test_scalars_of_a_judgement_by_hand():
    seen = Visualizer()
    curves = Curves(seen, 0, over_severities=True)
    for one in (CLEAN, *FOG):
        curves.add(record(one))
    curves.conclude({"clean/mIoU": 0.8, "retention/mIoU": 0.625})
    assert [one for one in seen.added if "mIoU" in one[1]] == [
        (0, "robustness/clean/0/mIoU", 0.8),
        (0, "robustness/fog/1/mIoU", 0.6),
        (0, "robustness/fog/mIoU", 0.8), (0, "robustness/fog/retention/mIoU", 1.0),
        (1, "robustness/fog/mIoU", 0.6), (1, "robustness/fog/retention/mIoU", pytest.approx(0.75)),
        (0, "robustness/fog/3/mIoU", 0.4),
        (3, "robustness/fog/mIoU", 0.4), (3, "robustness/fog/retention/mIoU", 0.5),
        (0, "clean/mIoU", 0.8), (0, "retention/mIoU", 0.625),
    ]  # fmt: skip
    # nothing can be retained of 0, or of what is not there
    assert {name for _, name, _ in seen.added if "retention/" in name} == {
        "robustness/fog/retention/mIoU", "retention/mIoU",
    }  # fmt: skip
    assert (1, "robustness/fog/x", 0.5) in seen.added


def test_scalars_while_training_are_at_its_iteration():
    seen = Visualizer()
    curves = Curves(seen, 700, over_severities=False)
    for one in (CLEAN, FOG[0]):
        curves.add(record(one))
    curves.conclude({"clean/mIoU": 0.8})
    assert [one for one in seen.added if one[1].endswith("mIoU")] == [
        (700, "robustness/clean/0/mIoU", 0.8), (700, "robustness/fog/1/mIoU", 0.6),
    ]  # fmt: skip


BACKENDS = """
visualizer = dict(
    type="SegLocalVisualizer", name="curves of NAME", vis_backends=[dict(type="LocalVisBackend"), MORE]
)
"""  # one visualizer of a name lives as long as the process


@pytest.mark.slow
def test_mmengine_s_own_backend_gets_them_also_of_cells_that_were_there(tmp_path):
    config, checkpoint = write_parts(tmp_path, more=BACKENDS.replace("MORE", ""))
    scores, records = judge(config, checkpoint, tmp_path / "r.jsonl")
    config.write_text(config.read_text().replace("of NAME", "of the second run"))
    judge(config, checkpoint, tmp_path / "r.jsonl")
    files = sorted((tmp_path / "work").glob("*/vis_data/scalars.json"), key=lambda path: path.stat().st_mtime_ns)
    told = [
        {(name, line["step"]): value for line in map(json.loads, file.read_text().splitlines())
         for name, value in line.items() if name != "step"}
        for file in files
    ]  # fmt: skip
    assert told == [told[0]] * 2
    for (corruption, severity), one in records.items():
        assert told[0][f"robustness/{corruption}/{severity}/mIoU", 0] == one["metrics"]["mIoU"]
        if severity:
            assert told[0][f"robustness/{corruption}/mIoU", severity] == one["metrics"]["mIoU"]
            clean = records["clean", 0]["metrics"]["mIoU"]
            assert told[0][f"robustness/{corruption}/retention/mIoU", severity] == one["metrics"]["mIoU"] / clean
            assert told[0][f"robustness/{corruption}/mIoU", 0] == clean
    assert {name: told[0][name, 0] for name in scores} == scores


@pytest.mark.slow
def test_tensorboard_shows_them(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    backends = BACKENDS.replace("MORE", 'dict(type="TensorboardVisBackend")').replace("NAME", "a board")
    config, checkpoint = write_parts(tmp_path, more=backends)
    scores, records = judge(config, checkpoint, tmp_path / "r.jsonl")
    (folder,) = (tmp_path / "work").glob("*/vis_data")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()

    def curve(name):
        return [(event.step, event.value) for event in events.Scalars(name)]

    points = [("clean", 0), ("contrast", 2), ("contrast", 5)]
    expected = [(cell[1], pytest.approx(records[cell]["metrics"]["mIoU"])) for cell in points]
    assert curve("robustness/contrast/mIoU") == expected
    assert curve("robustness/contrast/retention/mIoU")[0] == (0, 1.0)
    assert curve("retention/mIoU") == [(0, pytest.approx(scores["retention/mIoU"]))]
