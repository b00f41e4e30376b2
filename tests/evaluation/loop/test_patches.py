"""Patches in the loop: scores of the pixels outside, in any frame that the pipeline makes; detectors are refused."""

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_retinanet import write_detector
from helpers.tiny_robustness import judge, make_runner, write_parts

from mmfan.corruptions import picture_seed
from mmfan.evaluation.attacks.boxes import boxes_of
from mmfan.evaluation.attacks.pixel_losses import segmentation_loss
from mmfan.evaluation.conditions import NotToModelError
from mmfan.evaluation.conditions.attack import work
from mmfan.evaluation.judging.asked_attack import asked_attacks
from mmfan.evaluation.judging.findings import PreflightError
from mmfan.evaluation.results.store import ResultsStore

RESIZED = """
for one in (test_pipeline,):
    one.insert(1, dict(type="Resize", scale=(144, 96), keep_ratio=True))
val_dataloader = dict(num_workers=0, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
"""


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("patched"))


def asked(*names, areas=(3, 9), steps=2, **settings):
    return asked_attacks(names, settings={"steps": steps, **settings}, areas=areas)


def by_cell(records):
    return {
        (condition["name"], condition["strength"]): record
        for record in records.values()
        if (condition := record.get("condition"))
    }


def test_scores_of_the_clean_pictures_outside_are_those_with_the_labels_ignored(parts, tmp_path):
    """Against a pass of one's own, whose label maps have the ignored number in the box."""
    results = tmp_path / "results.jsonl"
    _, records = judge(*parts, results, protocol=asked("patch", "patch_noise"))
    found = by_cell(records)
    assert set(found) == {("outside", 9), *((name, area) for name in ("patch", "patch_noise") for area in (3, 9))}
    runner = make_runner(*parts, tmp_path / "work")
    loop, wanted = runner.test_loop, []
    runner.load_or_resume()
    runner.model.eval()
    for [(notes, batch)], name in zip(loop.dataloader, loop.chosen.names, strict=False):
        assert notes[0].cell == 0
        with torch.no_grad():
            [sample] = runner.model.test_step(batch)
        truth, said = (one.data[0].numpy() for one in (sample.gt_sem_seg, sample.pred_sem_seg))
        _, around = boxes_of(9, 9, truth.shape, "drawn", picture_seed(0, name, "patch", 0))
        truth = truth.copy()
        truth[around.slices] = 255
        kept = truth != 255
        wanted.append(
            [
                [((said == one) & (truth == one)).sum(), ((said == one) & kept & (truth != one)).sum(),
                 ((said != one) & (truth == one)).sum()]
                for one in range(19)
            ]
        )  # fmt: skip
    record = found["outside", 9]
    assert (ResultsStore(results).read_counts(record).counts == np.array(wanted)).all()
    total = {cell: ResultsStore(results).read_counts(one).counts[..., [0, 2]].sum() for cell, one in found.items()}
    assert len(set(total.values())) == 1  # the same pixels at every area
    assert found["patch", 9]["metrics"]["aAcc"] < found["patch_noise", 9]["metrics"]["aAcc"]


def test_a_patch_in_the_resized_frame_covers_the_labels_that_it_touches(tmp_path, monkeypatch):
    config, checkpoint = write_parts(tmp_path, more=RESIZED)
    runner = make_runner(config, checkpoint, tmp_path / "work", protocol=asked("patch", "patch_noise", areas=(9,)))
    loop = runner.test_loop
    runner.load_or_resume()
    works, model = loop.works(), runner.model.eval()
    [(_, batch)] = next(iter(loop.dataloader))
    before, truth = batch["inputs"][0].clone(), batch["data_samples"][0].gt_sem_seg.data.clone()
    assert tuple(before.shape[1:]) == (96, 144)
    assert tuple(truth.shape[1:]) == (64, 96)
    box, around = boxes_of(9, 9, (96, 144), "drawn", picture_seed(0, loop.chosen.names[0], "patch", 0))
    assert box == around
    seen, ascended = {}, []

    def loss_of(logits_of, labels, *more):
        ascended.append(labels)
        return segmentation_loss(logits_of, labels, *more)

    monkeypatch.setattr(work, "segmentation_loss", loss_of)
    outputs = []

    def step(given):
        seen[cell.corruption] = given
        return model.test_step(given)

    for cell in loop.cells:
        with works.during(cell, {}), torch.no_grad():
            outputs += works.forward(step, batch)
    assert torch.equal(seen["outside"]["inputs"][0], before)
    for name in ("patch", "patch_noise"):
        changed = (seen[name]["inputs"][0] != before).any(0)
        inside = torch.zeros_like(changed)
        inside[box.slices] = True
        assert not (changed & ~inside).any()
        assert changed[inside].float().mean() > 0.9
    assert not torch.equal(seen["patch"]["inputs"][0], seen["patch_noise"]["inputs"][0])
    for sample in outputs:
        wanted = truth.clone()
        rows, columns = around.scaled((96, 144), (64, 96)).slices
        wanted[:, rows, columns] = 255
        assert torch.equal(sample.gt_sem_seg.data, wanted)
        assert [torch.equal(labels, wanted) for labels in ascended] == [True] * 3
        assert sample.pred_sem_seg.data.shape == wanted.shape
    assert torch.equal(batch["data_samples"][0].gt_sem_seg.data, truth)  # what others are given stays


def test_batches_and_a_killed_run_change_nothing(parts, tmp_path):
    protocol = asked("patch")
    _, one = judge(*parts, tmp_path / "one.jsonl", protocol=protocol)
    _, three = judge(*parts, tmp_path / "three.jsonl", protocol=protocol, options={"test_dataloader.batch_size": 3})
    metrics = {cell: record["metrics"] for cell, record in by_cell(one).items()}
    assert {cell: record["metrics"] for cell, record in by_cell(three).items()} == metrics
    lines = (tmp_path / "one.jsonl").read_text().splitlines()
    (tmp_path / "one.jsonl").write_text(f"{lines[0]}\n")
    _, again = judge(*parts, tmp_path / "one.jsonl", protocol=protocol)
    assert {cell: record["metrics"] for cell, record in by_cell(again).items()} == metrics
    assert (tmp_path / "one.jsonl").read_text().splitlines()[0] == lines[0]


def test_a_frame_that_is_padded_is_refused_before_the_first_cell(tmp_path):
    padded = RESIZED.replace('dict(type="Resize", scale=(144, 96), keep_ratio=True)', 'dict(type="Pad", size=(96, 96))')
    config, checkpoint = write_parts(tmp_path, more=padded)
    with pytest.raises(PreflightError, match=r"needs a test pipeline that does no more .* \(96, 96\) .* \(64, 96\)"):
        judge(config, checkpoint, tmp_path / "results.jsonl", protocol=asked("patch"))


def test_a_detector_is_refused_with_the_reason(tmp_path):
    pytest.importorskip("mmdet")
    config, checkpoint = write_detector(tmp_path)
    with pytest.raises(NotToModelError, match=r"to a detector: its score is of the pixels outside .* class for each"):
        judge(config, checkpoint, tmp_path / "results.jsonl", protocol=asked("patch"))
    assert not (tmp_path / "results.jsonl").exists()


@pytest.mark.parametrize("resized", [False, True])
def test_the_pictures_that_are_written_show_the_patch(tmp_path, resized):
    parts = write_parts(tmp_path, more=RESIZED if resized else "")
    results = tmp_path / "results.jsonl"
    judge(*parts, results, protocol=asked("patch", areas=(9,)), pictures=1)
    shown = {
        path.parts[-4].split("-")[0]: cv2.imread(str(path))
        for path in (tmp_path / "results.jsonl.pictures").glob("input/*/*/*/*.png")
    }
    clean, patched = shown["outside"], shown["patch"]
    [name] = [path.stem for path in (tmp_path / "results.jsonl.pictures").glob("input/outside*/*/*/*.png")]
    [whole] = [one for one in make_runner(*parts, tmp_path / "work").test_loop.chosen.names if name in one]
    box, _ = boxes_of(9, 9, clean.shape[:2], "drawn", picture_seed(0, whole, "patch", 0))
    changed = (clean != patched).any(2)
    assert changed[box.slices].mean() > 0.9
    if not resized:  # enlarged and made smaller again, pixels outside are but nearly the same
        changed[box.slices] = False
        assert not changed.any()
