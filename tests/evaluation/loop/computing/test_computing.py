"""How the loop has its model compute: batches, windows, precision and compiling give the records they should."""

import json

import cv2
import pytest
import torch
from helpers.tiny_robustness import judge, make_runner, write_parts

from mmfan.evaluation.loop.computing.computing import Computing

pytestmark = [pytest.mark.slow, pytest.mark.process]
SMALL = {"protocol": {"corruptions": ["contrast"], "severities": [2]}, "seed": 3}
SLIDE = {"model.test_cfg": {"mode": "slide", "crop_size": (32, 48), "stride": (24, 32)}}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Five pictures, of the sizes 64 x 96 (two), 48 x 96, and 64 x 96 again (two)."""
    config, checkpoint = write_parts(tmp_path_factory.mktemp("parts"), pictures=5)
    for path in sorted((config.parent / "data").rglob("val/town/*000002*.png")):
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:48])
    return config, checkpoint


@pytest.fixture(scope="module")
def one_by_one(parts, tmp_path_factory):
    return judge(*parts, tmp_path_factory.mktemp("one") / "r.jsonl", **SMALL)[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_of_pictures_of_several_sizes_give_the_same_records(parts, one_by_one, tmp_path, workers):
    sizes = []
    runner = make_runner(
        *parts, tmp_path / "work", results=str(tmp_path / "r.jsonl"), batch_size=4, workers=workers, **SMALL
    )
    step = runner.model.test_step
    runner.model.test_step = lambda batch: sizes.append([tuple(x.shape[1:]) for x in batch["inputs"]]) or step(batch)
    runner.test()
    # the preflight's, of the smallest; then each cell: a batch of four, in three parts, and one of one
    whole, low = (64, 96), (48, 96)
    assert sizes == [[low], *([[whole] * 2, [low], [whole], [whole]] * 2)]
    records = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    found = {record["corruption"]: record for record in records}
    for (name, _), record in one_by_one.items():
        assert found[name]["metrics"] == record["metrics"]
        assert found[name]["per_class"] == record["per_class"]
        assert found[name]["config_hash"] == record["config_hash"]


def test_mixed_precision_by_either_name(parts, one_by_one, tmp_path):
    records = [judge(*parts, tmp_path / f"{name}.jsonl", **SMALL, **{name: value})[1]["contrast", 2]
               for name, value in (("precision", "bf16"), ("fp16", True))]  # fmt: skip
    for name in ("precision", "config_hash", "metrics"):
        assert records[0][name] == records[1][name]
    assert records[0]["precision"] == "bfloat16"
    assert records[0]["config_hash"] != one_by_one["contrast", 2]["config_hash"]
    assert not {"device", "tf32", "compiled"} & set(records[0])


def test_windows_do_not_change_the_key_and_hardly_the_scores(parts, tmp_path):
    found = [judge(*parts, tmp_path / f"{n}.jsonl", **SMALL, windows=n, options=SLIDE)[1] for n in (1, 16)]
    for cell, record in found[0].items():
        assert found[1][cell]["config_hash"] == record["config_hash"]
        assert found[1][cell]["metrics"]["aAcc"] == pytest.approx(record["metrics"]["aAcc"], abs=1e-3)


def test_a_compiled_model_says_so_and_is_another_run(parts, one_by_one, tmp_path):
    options = {"compile": {"backend": "eager"}}  # dynamo's graphs, without a compiler of the machine
    _, records = judge(*parts, tmp_path / "r.jsonl", **SMALL, options=options)
    record, plain = records["contrast", 2], one_by_one["contrast", 2]
    assert record["compiled"] is True
    assert record["metrics"] == pytest.approx(plain["metrics"], abs=1e-9)
    assert record["config_hash"] != plain["config_hash"]


def test_a_compiler_that_fails_stops_it_before_the_first_cell(parts, tmp_path):
    options = {"compile": {"backend": "no_such_backend"}}
    with pytest.raises(ValueError, match="no_such_backend"):
        judge(*parts, tmp_path / "r.jsonl", **SMALL, options=options)
    assert not (tmp_path / "r.jsonl").exists()


def test_a_gpu_is_not_waited_for_but_does_not_fall_far_behind(monkeypatch):
    events = []

    class Event:
        def __init__(self):
            events.append(["made"])
            self.number = len(events) - 1

        def record(self):
            events[self.number].append("recorded")

        def synchronize(self):
            events[self.number].append("awaited")

    monkeypatch.setattr(torch.cuda, "Event", Event)
    computing = Computing(torch.nn.Linear(1, 1))
    computing.device = torch.device("cuda", 0)
    for number in range(5):
        assert computing.forward(lambda batch: batch + 1, number) == number + 1
    assert [event[-1] for event in events] == ["awaited", "awaited", "awaited", "recorded", "recorded"]
