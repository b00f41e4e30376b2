"""Resuming: a broken checkpoint beside a whole one, weights alone, damaged notes, histories and schedules that stay."""

import numpy as np
import pytest
import torch
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from mmfan.apis import build_runner, load_config, read_checkpoint
from mmfan.apis.resume import check_average, check_resumable, latest_checkpoint, newest_whole, read_to_resume
from mmfan.models.safe_load import CheckpointError

pytestmark = pytest.mark.slow


def training(iteration=2, **more):
    """What a checkpoint of a training holds at least."""
    return {
        "state_dict": {"a.weight": torch.ones(2)},
        "meta": {"epoch": 0, "iter": iteration},
        "message_hub": {"log_scalars": {}, "runtime_info": {}, "resumed_keys": {}},
        "optimizer": {"state": {}, "param_groups": []},
        "param_schedulers": [],
        **more,
    }


def cut(path, keep=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def save(path, content):
    torch.save(content, path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("data"))


def test_a_truncated_newest_checkpoint_names_the_older_whole_one(tmp_path):
    for number in (2, 4, 6):
        save(tmp_path / f"iter_{number}.pth", training(number))
    cut(tmp_path / "iter_6.pth")
    with pytest.raises(
        CheckpointError, match=r"iter_6\.pth.*truncated.*iter_4\.pth is whole: .* --resume .*iter_4\.pth"
    ):
        read_to_resume(tmp_path / "iter_6.pth")
    cut(tmp_path / "iter_4.pth", 0.9)
    with pytest.raises(CheckpointError, match=r"--resume .*iter_2\.pth"):
        read_to_resume(tmp_path / "iter_6.pth")
    with pytest.raises(CheckpointError, match=r"iter_6\.pth.*--resume .*iter_2\.pth"):
        read_to_resume(tmp_path / "iter_6.pth")
    cut(tmp_path / "iter_2.pth", 0)
    with pytest.raises(CheckpointError, match=r"iter_6\.pth.*truncated") as refused:
        read_to_resume(tmp_path / "iter_6.pth")
    assert "--resume" not in str(refused.value)


def test_only_older_checkpoints_of_a_training_are_offered(tmp_path):
    save(tmp_path / "epoch_10.pth", training())
    save(tmp_path / "epoch_9.pth", training())
    save(tmp_path / "epoch_8.pth", {"state_dict": {"a.weight": torch.ones(1)}})
    save(tmp_path / "best_mIoU.pth", training())
    assert newest_whole(tmp_path, "epoch_11.pth") == tmp_path / "epoch_10.pth"
    assert newest_whole(tmp_path, "epoch_10.pth") == tmp_path / "epoch_9.pth"
    assert newest_whole(tmp_path, "epoch_9.pth") is None
    assert newest_whole(tmp_path) == tmp_path / "epoch_10.pth"


def test_a_run_with_a_truncated_newest_checkpoint(tmp_path, data):
    """By --resume auto, by --resume FILE and by the config alone; the run continues from the one that is named."""
    build_runner(load_config(write_config(tmp_path / "first.py", data)), work_dir=tmp_path / "w").train()
    cut(tmp_path / "w" / "iter_4.pth")
    message = r"iter_4\.pth.*truncated.*--resume .*iter_2\.pth"
    for more, options in (
        ("", {"resume": True}),
        ("", {"resume": tmp_path / "w" / "iter_4.pth"}),
        ("resume = True\n", {}),
    ):
        config = write_config(tmp_path / "again.py", data, more)
        with pytest.raises(CheckpointError, match=message):
            build_runner(load_config(config), work_dir=tmp_path / "w", **options)
    config = write_config(tmp_path / "third.py", data)
    runner = build_runner(load_config(config), work_dir=tmp_path / "w", resume=tmp_path / "w" / "iter_2.pth")
    runner.train()
    assert runner.iter == 4


def test_weights_alone_are_no_run(tmp_path, data):
    config = write_config(tmp_path / "a.py", data)
    weights = write_checkpoint(tmp_path / "weights.pth", config)
    message = r"weights\.pth is no checkpoint that a training can continue from: it has no message_hub, optimizer, "
    message += r"param_schedulers.*load_from=.*weights\.pth"
    with pytest.raises(CheckpointError, match=message):
        build_runner(load_config(config), work_dir=tmp_path / "w", resume=weights)
    runner = build_runner(load_config(config), work_dir=tmp_path / "w")
    with pytest.raises(CheckpointError, match=r"it has no message_hub, optimizer"):
        runner.resume(str(weights))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meta": None}, "it has no meta"),
        ({"optimizer": [1]}, "it has no optimizer"),
        ({"param_schedulers": None}, "it has no param_schedulers"),
        ({"meta": {"epoch": 1}}, r"meta\.iter is missing or of another type"),
        ({"meta": {"epoch": 1, "iter": "2"}}, r"meta\.iter"),
        ({"meta": {"epoch": -1, "iter": 2}}, r"meta\.epoch"),
        ({"message_hub": {"log_scalars": {}, "runtime_info": []}}, r"hub\.runtime_info, message_hub\.resumed_keys"),
        ({"state_dict": {"a.weight": torch.tensor([1.0, float("nan")])}}, r"a\.weight: not finite"),
        ({"ema_state_dict": {"module.a.weight": torch.tensor(float("inf"))}}, r"module\.a\.weight: not finite"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_to_resume(change, message):
    check_resumable(training(), "x.pth")
    check_resumable(training(param_schedulers=None), "x.pth", scheduled=False)
    with pytest.raises(CheckpointError, match=rf"x\.pth.*{message}"):
        check_resumable(training(**change), "x.pth")


def test_averaged_weights_are_those_of_the_model():
    model = {"a.weight": torch.ones(2)}
    check_average(
        training(ema_state_dict={"module.a.weight": torch.zeros(2), "steps": torch.tensor(3)}), model, "x.pth"
    )
    with pytest.raises(
        CheckpointError, match=r"averaged weights in x\.pth are of another model: a\.weight \(model \(2,"
    ):
        check_average(training(ema_state_dict={"module.a.weight": torch.zeros(3)}), model, "x.pth")
    with pytest.raises(CheckpointError, match=r"a\.weight: bool \(model float32\)"):
        check_average(training(ema_state_dict={"module.a.weight": torch.zeros(2) > 0}), model, "x.pth")


@pytest.mark.parametrize("note", [b"", b"\xff\xfe\x00", b"one\ntwo", None])
def test_a_damaged_note_of_the_last_checkpoint(tmp_path, note):
    if note is None:
        (tmp_path / "last_checkpoint").mkdir()
    else:
        (tmp_path / "last_checkpoint").write_bytes(note)
    with pytest.raises(CheckpointError, match=r"last_checkpoint does not hold the path.*--resume FILE"):
        latest_checkpoint(tmp_path)
    save(tmp_path / "iter_2.pth", training())
    with pytest.raises(CheckpointError, match=r"last_checkpoint does not hold .*--resume .*iter_2\.pth"):
        latest_checkpoint(tmp_path)


def test_the_note_follows_a_moved_folder_and_may_be_missing(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    (tmp_path / "last_checkpoint").write_text("/elsewhere/iter_2.pth")
    save(tmp_path / "iter_2.pth", training())
    assert latest_checkpoint(tmp_path) == tmp_path / "iter_2.pth"
    (tmp_path / "last_checkpoint").write_text("/elsewhere/iter_8.pth")
    with pytest.raises(FileNotFoundError, match=r"iter_8\.pth does not exist"):
        read_to_resume(latest_checkpoint(tmp_path))


def test_the_config_that_old_mmcv_saved_is_not_run(tmp_path, data):
    """mmengine takes ``meta['config']`` of a checkpoint for Python and executes it."""
    config = write_config(tmp_path / "old.py", data)
    build_runner(load_config(config), work_dir=tmp_path / "w").train()
    content = torch.load(tmp_path / "w" / "iter_2.pth", weights_only=False)
    content["meta"]["config"] = f"import os\nos.mkdir({str(tmp_path / 'was_run')!r})\ngpu_ids = [0]\n"
    save(tmp_path / "w" / "iter_2.pth", content)
    for more in ("", "runner_type = 'Runner'\n"):
        config = write_config(tmp_path / f"rest{len(more)}.py", data, more)
        runner = build_runner(load_config(config), work_dir=tmp_path / "w", resume=tmp_path / "w" / "iter_2.pth")
        runner.train()
        assert runner.iter == 4
    assert not (tmp_path / "was_run").exists()


def test_histories_are_identical_after_reading(tmp_path):
    hub = MessageHub("a run with a history")
    for step in range(5):
        hub.update_scalar("train/loss", 1 / (step + 3), count=step + 1)
        hub.update_scalar("val/mIoU", step * 10)
    hub.update_info("best", np.float64(0.5))
    save(tmp_path / "a.pth", training(message_hub=hub.state_dict()))
    twin = MessageHub("its twin")
    twin.load_state_dict(read_checkpoint(tmp_path / "a.pth")["message_hub"])
    for name, buffer in hub.log_scalars.items():
        for ours, theirs in zip(buffer.data, twin.get_scalar(name).data, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
    assert twin.get_info("best") == 0.5
    twin.update_scalar("train/loss", 7.0)
    assert twin.get_scalar("train/loss").statistics("max") == 7.0


OPTIONS = {
    "MultiStep": {"milestones": [1, 2]},
    "Step": {"step_size": 1},
    "Constant": {},
    "CosineAnnealing": {"T_max": 3},
    "CosineRestart": {"periods": [2, 2], "restart_weights": [1, 0.5], "eta_min": 0.0},
    "Exponential": {"gamma": 0.5},
    "Linear": {"end": 2},
    "Poly": {"end": 3},
}


@pytest.mark.parametrize("kind", [*OPTIONS, "OneCycle", "ReduceOnPlateau"])
def test_the_state_of_every_schedule_is_read(tmp_path, kind):
    """And the schedule goes on as one that was not saved."""

    def built():
        model = nn.Linear(1, 1)
        wrapper = build_optim_wrapper(model, {"optimizer": {"type": "SGD", "lr": 0.5, "momentum": 0.9}})
        if kind == "OneCycle":
            options = {"type": "OneCycleLR", "eta_max": 1.0, "total_steps": 9}
        elif kind == "ReduceOnPlateau":
            options = {"type": "ReduceOnPlateauLR", "monitor": "loss", "patience": 1}
        else:
            options = {"type": f"{kind}LR", **OPTIONS[kind]}
        return wrapper, PARAM_SCHEDULERS.build(options, default_args={"optimizer": wrapper})

    def steps(wrapper, schedule, count):
        rates = []
        for _ in range(count):
            wrapper.optimizer.step()
            schedule.step(*([{"loss": 1.0}] if kind == "ReduceOnPlateau" else []))
            rates.append(wrapper.get_lr()["lr"][0])
        return rates

    wrapper, schedule = built()
    steps(wrapper, schedule, 2)
    save(tmp_path / "a.pth", training(param_schedulers=[schedule.state_dict()], optimizer=wrapper.state_dict()))
    content = read_checkpoint(tmp_path / "a.pth")
    twin_wrapper, twin = built()
    twin_wrapper.load_state_dict(content["optimizer"])
    twin.load_state_dict(content["param_schedulers"][0])
    assert steps(twin_wrapper, twin, 3) == steps(wrapper, schedule, 3)
