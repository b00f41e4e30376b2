"""The preflight finds, before anything is judged, all that would fail or be wrong later, and changes nothing."""

import json
import os
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_robustness import PROTOCOL, judge, judge_as_rank, make_runner, quick_processes, write_parts
from helpers.tiny_segmentor import SIZE, run_tool, write_checkpoint, write_config, write_tree

from mmfan.apis import build_runner, load_config
from mmfan.apis.robustness import built_loop, describe_plan
from mmfan.errors import ConfigError
from mmfan.evaluation.judging.findings import PreflightError

pytestmark = pytest.mark.slow

SMALL = {"protocol": {"corruptions": ["contrast"], "severities": [5]}}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture
def own(tmp_path, parts):
    """A config of a tree that may be broken, and its checkpoint."""
    return write_config(tmp_path / "own.py", write_tree(tmp_path / "data", val=4)), parts[1]


def files(config, kind):
    return sorted((Path(config).parent / "data" / kind / "val").rglob("*.png"))


def test_all_that_is_wrong_is_listed_before_anything_is_judged(own, tmp_path):
    pictures, labels = files(own[0], "leftImg8bit"), files(own[0], "gtFine")
    pictures[1].write_bytes(b"not a picture")
    cv2.imwrite(str(pictures[2]), np.zeros((20, 96, 3), np.uint8))
    cv2.imwrite(str(labels[3]), np.full(SIZE, 33, np.uint8))
    (tmp_path / "r.jsonl.counts").write_text("")
    with pytest.raises(PreflightError) as caught:
        judge(own[0], own[1], tmp_path / "r.jsonl")
    message = str(caught.value)
    names = [f"val/town/{path.name}" for path in pictures]
    for text in (
        f"1 picture cannot be read: The picture {pictures[1]} cannot be read: it is not a picture",
        f"1 picture is too small: {names[2]} (96x20). The least side that can be corrupted is 32",
        f"1 label map is of another size than its picture: {names[2]} (picture 96x20, label map 96x64)",
        f"The label image {labels[3]} holds ids outside 0..18 and 255 (ignored): 33",
        f"{tmp_path}/r.jsonl.counts is a file",
    ):
        assert text in message
    assert message.startswith("The preflight found ")
    assert "  1. " in message
    assert not (tmp_path / "r.jsonl").exists()


def test_files_that_are_gone_since_the_set_was_listed(own, tmp_path):
    loop = built_loop(make_runner(own[0], own[1], tmp_path / "work", **SMALL))
    files(own[0], "leftImg8bit")[0].unlink()
    files(own[0], "gtFine")[1].unlink()
    with pytest.raises(PreflightError, match=r"(?s)1 picture cannot be read: .*000000.*1 label map cannot be read: "):
        loop.preflight(with_model=True)


@pytest.mark.parametrize("wrapper", ["RepeatDataset", "ConcatDataset"])
def test_pictures_that_would_count_twice(parts, tmp_path, wrapper):
    dataset = dict(load_config(parts[0]).test_dataloader.dataset)
    wrapped = {"dataset": dataset, "times": 2} if wrapper == "RepeatDataset" else {"datasets": [dataset, dataset]}
    cfg = load_config(parts[0])
    cfg.test_dataloader.dataset = {"type": wrapper, **wrapped}
    cfg.pop("test_cfg")
    cfg.test_cfg = {"type": "mmfan.RobustnessLoop", **SMALL}
    runner = build_runner(cfg, work_dir=tmp_path, checkpoint=parts[1])
    with pytest.raises(
        PreflightError, match=r"3 pictures would be judged more than once: .*\(2 times\).*RepeatDataset"
    ):
        runner.test()


def test_a_head_of_other_classes(parts, tmp_path):
    config = write_config(tmp_path / "c.py", parts[0].parent / "data", "model['decode_head']['num_classes'] = 11\n")
    checkpoint = write_checkpoint(tmp_path / "c.pth", config)
    with pytest.raises(PreflightError, match="scores of 11 classes, the data set has 19: set num_classes"):
        judge(config, checkpoint, tmp_path / "r.jsonl", **SMALL)


def test_labels_that_the_pipeline_does_not_load(parts, tmp_path):
    steps = [{"type": "mmfan.LoadImageFromFile"}, {"type": "PackSegInputs"}]
    with pytest.raises(PreflightError, match=r"has no gt_sem_seg: scores of segmentation need"):
        judge(parts[0], parts[1], tmp_path / "r.jsonl", options={"test_dataloader.dataset.pipeline": steps}, **SMALL)


def test_the_evaluator_s_arguments(parts, tmp_path):
    unknown = {"test_evaluator": {"type": "IoUMetric", "iou_metric": ["mIoU"]}}
    with pytest.raises(ConfigError, match=r"The metric mmfan\.SegCountsMetric got an unexpected .* 'iou_metric'"):
        built_loop(make_runner(parts[0], parts[1], tmp_path / "work", options=unknown, **SMALL))
    several = {"test_evaluator": [{"type": "IoUMetric"}, {"type": "IoUMetric", "prefix": "again"}]}
    scores, _ = judge(parts[0], parts[1], tmp_path / "r.jsonl", options=several, **SMALL)
    assert scores["clean/mIoU"] == scores["clean/again/mIoU"]


def test_nothing_is_changed_by_it(parts, tmp_path):
    loop = built_loop(make_runner(parts[0], parts[1], tmp_path / "work", results=str(tmp_path / "r.jsonl")))
    model = loop.runner.model.eval()
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    held = [dict(vars(metric)) for metric in loop.evaluator.metrics]
    for draw in (random.random, np.random.random, lambda: float(torch.rand(1))):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        first = draw()
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        loop.checked = False
        loop.preflight(with_model=True)
        assert draw() == first
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    assert [vars(metric) for metric in loop.evaluator.metrics] == held
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work"]


def test_clean_pictures_that_a_set_on_disk_was_not_made_from(own, tmp_path, capsys):
    from mmfan.datasets.corrupted import make_corrupted_set, make_plan

    make_corrupted_set(make_plan(tmp_path / "data", tmp_path / "c", [("contrast", 5)]))
    disk = {"source": "disk", "corrupted_root": str(tmp_path / "c"), **SMALL}
    judge(own[0], own[1], tmp_path / "r.jsonl", **disk)
    assert "does not say which clean pictures" not in "".join(capsys.readouterr())
    picture = files(own[0], "leftImg8bit")[2]
    cv2.imwrite(str(picture), 255 - cv2.imread(str(picture)))
    with pytest.raises(PreflightError, match=rf"1 clean picture changed after .*{picture}"):
        judge(own[0], own[1], tmp_path / "new.jsonl", **disk)
    assert not (tmp_path / "new.jsonl").exists()
    (tmp_path / "c/manifests/clean/val.sha256").unlink()
    capsys.readouterr()
    judge(own[0], own[1], tmp_path / "new.jsonl", **disk)
    assert "does not say which clean pictures it was made from" in "".join(capsys.readouterr())


def test_dry_runs_make_it_with_and_without_weights(own, tmp_path, monkeypatch, capsys):
    arguments = ["--dry-run", "--corruptions", "contrast", "--work-dir", tmp_path / "work", "--workers", "0"]
    assert run_tool(monkeypatch, "test_robustness.py", own[0], *arguments) == 0
    assert "nothing found in" in "".join(capsys.readouterr())
    files(own[0], "leftImg8bit")[3].write_bytes(b"")
    for given in ([own[0]], own):
        assert run_tool(monkeypatch, "test_robustness.py", *given, *arguments) == 1
        error = capsys.readouterr().err
        assert "The preflight found 1 problem, before judging began:" in error
        assert "the file is empty" in error


def test_validation_is_looked_at_before_training(own, tmp_path):
    labels = files(own[0], "gtFine")
    cv2.imwrite(str(labels[2]), np.zeros((10, 10), np.uint8))
    options = [{}, {"val_cfg": {"type": "mmfan.RobustnessLoop", "protocol": PROTOCOL}}]
    for number, more in enumerate(options):
        runner = build_runner(load_config(own[0], more), work_dir=tmp_path / str(number))
        with pytest.raises(PreflightError, match=r"1 label map is of another size than its picture: .*000002"):
            runner.train()
        assert runner.iter == 0


def test_the_plan_says_what_it_said(parts, tmp_path):
    loop = built_loop(make_runner(parts[0], parts[1], tmp_path / "work", **SMALL))
    assert "1 cell and the clean pictures, 3 pictures each" in describe_plan(loop, measure=False)
    assert loop.checked


def test_records_that_do_not_say_what_they_are_of_are_spoken_of(parts, tmp_path, monkeypatch, capsys):
    results = tmp_path / "r.jsonl"
    judge(parts[0], parts[1], results, **SMALL)
    new = ("contents_hash", "truth_hash", "metric_hash", "precision")
    records = [json.loads(line) for line in results.read_text().splitlines()]
    old = [{name: value for name, value in record.items() if name not in new} for record in records]
    results.write_text("".join(json.dumps(record) + "\n" for record in old))
    assert run_tool(monkeypatch, "report.py", results, "--protocol", "recorded") == 0
    assert "The records of tiny do not say which contents of pictures and labels" in capsys.readouterr().out
    arguments = ["--results", results, "--corruptions", "contrast", "--severities", "5", "--workers", "0"]
    assert run_tool(monkeypatch, "test_robustness.py", *parts, *arguments, "--work-dir", tmp_path / "work") == 0
    assert f"{results} also holds 2 records of tiny that do not say" in capsys.readouterr().out


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="quick processes are POSIX")
def test_all_processes_end_together(own, tmp_path):
    import socket

    files(own[0], "leftImg8bit")[3].write_bytes(b"")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    context = quick_processes()
    arguments = (own[0], own[1], tmp_path / "r.jsonl")
    ranks = [context.Process(target=judge_as_rank, args=(rank, 2, port, arguments, SMALL)) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(120)
    assert [process.exitcode for process in ranks] == [1, 1]
    assert not (tmp_path / "r.jsonl").exists()
