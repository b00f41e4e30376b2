"""Attacks in the loop: a segmentor and a detector of OpenMMLab, through their preprocessors; resumed, and bit-equal."""

from pathlib import Path

import pytest
import torch
from helpers.tiny_retinanet import write_detector
from helpers.tiny_robustness import judge, make_runner, write_parts

from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import NotToModelError, Situation
from mmfan.evaluation.conditions.attack.detector_truth import DetectorTruth
from mmfan.evaluation.judging.asked_attack import asked_attacks
from mmfan.evaluation.judging.findings import PreflightError


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("attacked"))


def attacks(*names, eps=(4,), **settings):
    return asked_attacks(names, eps, settings)


def conditions_of(records):
    return {
        (record["condition"]["name"], record["condition"]["strength"]): record["metrics"]
        for record in records.values()
        if record.get("condition")
    }


def test_attacks_are_cells_whose_scores_fall(parts, tmp_path):
    protocol = attacks("fgsm", "segpgd", "cospgd", eps=(0.5, 16), steps=2)
    _, records = judge(*parts, tmp_path / "results.jsonl", protocol=protocol)
    [clean] = [one["metrics"] for one in records.values() if "condition" not in one]
    found = conditions_of(records)
    assert set(found) == {(name, eps) for name in ("fgsm", "segpgd", "cospgd") for eps in (0.5, 16)}
    for name in ("fgsm", "segpgd", "cospgd"):
        assert found[name, 0.5] == clean  # nothing whole is nearer than 1/255
        assert found[name, 16]["aAcc"] < clean["aAcc"]
    [record] = [one for one in records.values() if one.get("condition", {}).get("name") == "fgsm"][:1]
    assert (record["corruption"], record["severity"]) == ("clean", 0)
    assert record["condition"]["settings"] == {"norm": "linf", "rounded": True}


def test_batch_and_run_do_not_change_what_is_found_and_weights_stay(parts, tmp_path):
    protocol = attacks("pgd", eps=(8,), steps=2)
    scores = []
    for batch, name in ((1, "one"), (3, "three"), (1, "again")):
        runner = make_runner(
            *parts, tmp_path / name, {"test_dataloader.batch_size": batch}, protocol=protocol,
            results=str(tmp_path / f"{name}.jsonl"),
        )  # fmt: skip
        runner.test_loop  # noqa: B018 (built, so that the weights are loaded as they are judged)
        runner.load_or_resume()
        before = {key: value.clone() for key, value in runner.model.state_dict().items()}
        runner.test()
        assert all(torch.equal(value, before[key]) for key, value in runner.model.state_dict().items())
        assert not any(one.grad is not None for one in runner.model.parameters())
        scores.append((tmp_path / f"{name}.jsonl").read_text().count('"condition"'))
    assert scores == [1, 1, 1]
    counts = [conditions_of(_records(tmp_path / f"{name}.jsonl")) for name in ("one", "three", "again")]
    assert counts[0] == counts[1] == counts[2]


def test_a_killed_run_goes_on_and_unrounded_is_another_list(parts, tmp_path):
    results = tmp_path / "results.jsonl"
    protocol = attacks("pgd", eps=(2, 8), steps=1)
    judge(*parts, results, protocol=protocol)
    whole = results.read_text().splitlines()
    results.write_text("\n".join(whole[:2]) + "\n" + whole[2][:40])  # killed while it wrote the last
    with pytest.warns(UserWarning, match="passed over the part of a record"):
        judge(*parts, results, protocol=protocol)
    assert conditions_of(_records(results)) == dict(conditions_of(_by_line(whole)).items())
    judge(*parts, results, protocol=attacks("pgd", eps=(8,), steps=1, rounded=False))
    assert len(_records(results)) == 4


def test_a_detector_is_attacked_by_its_own_losses(tmp_path):
    pytest.importorskip("mmdet")
    config, checkpoint = write_detector(tmp_path)
    config.write_text(config.read_text().replace("scale=(80, 64)", "scale=(160, 128)"))  # the input twice the picture
    protocol = attacks("fgsm", "pgd", eps=(8,), steps=2)
    runner = make_runner(config, checkpoint, tmp_path / "work", protocol=protocol, results=str(tmp_path / "r.jsonl"))
    loop = runner.test_loop
    runner.load_or_resume()
    works, model = loop.works(), runner.model.eval()
    [batch] = [part[1] for part in next(iter(loop.dataloader))]
    known = DetectorTruth(Situation(model, dataset=loop.clean_dataset)).sample(batch["data_samples"][0])
    own = loop.clean_dataset.get_data_info(0)["instances"]
    assert torch.allclose(known.gt_instances.bboxes, 2.0 * torch.tensor([one["bbox"] for one in own]))
    assert known.gt_instances.labels.tolist() == [one["bbox_label"] for one in own]

    def loss(inputs):
        with torch.no_grad():
            ready = model.data_preprocessor({"inputs": inputs, "data_samples": [known.clone()]}, False)
            return model.parse_losses(model(**ready, mode="loss"))[0].item()

    losses = [loss(batch["inputs"])]
    for cell in loop.cells[1:]:
        with works.during(cell, {}), torch.no_grad():
            found = works.forward(lambda changed: changed["inputs"], batch)
        assert 0 < (found[0].int() - batch["inputs"][0].int()).abs().max() <= 8
        losses.append(loss(found))
    assert min(losses[1:]) > losses[0] + 1e-3, losses
    runner.test()
    found = conditions_of(_records(tmp_path / "r.jsonl"))
    assert set(found) == {("fgsm", 8), ("pgd", 8)}


def test_pixel_attacks_of_a_detector_are_refused_before_the_first_cell(tmp_path):
    pytest.importorskip("mmdet")
    config, checkpoint = write_detector(tmp_path)
    with pytest.raises(MMFanError, match="segpgd weighs the loss of each pixel"):
        judge(config, checkpoint, tmp_path / "results.jsonl", protocol=attacks("segpgd"))
    assert not Path(tmp_path / "results.jsonl").exists() or not (tmp_path / "results.jsonl").read_text()


def test_a_detection_transformer_is_attacked(tmp_path):
    pytest.importorskip("mmdet")
    from helpers.tiny_dino import write_dino

    runner = make_runner(*write_dino(tmp_path), tmp_path / "work", protocol=attacks("fgsm", "pgd", eps=(8,), steps=2))
    loop = runner.test_loop
    runner.load_or_resume()
    works, model = loop.works(), runner.model.eval()
    [(_, batch)] = next(iter(loop.dataloader))
    moved = []
    for cell in loop.cells[1:]:
        with works.during(cell, {}), torch.no_grad():
            found = works.forward(lambda changed: changed["inputs"], batch)
        moved.append((found[0].int() - batch["inputs"][0].int()).abs())
    assert all(0 < one.max() <= 8 for one in moved)
    assert (moved[0] == 8).float().mean() > 0.5  # nearly every pixel has a gradient
    assert not any(module.training for module in model.modules())


def test_padding_is_no_part_of_the_picture_and_masks_are_where_the_boxes_are(tmp_path):
    """RTMDet-Ins gets 64x128 pictures as 96x192 within squares of 192, and learns from masks."""
    pytest.importorskip("mmdet")
    from helpers.tiny_rtmdet import write_rtmdet

    runner = make_runner(
        *write_rtmdet(tmp_path), tmp_path / "work", protocol=attacks("pgd", eps=(8,), steps=2),
        results=str(tmp_path / "r.jsonl"), pictures=1,
    )  # fmt: skip
    loop = runner.test_loop
    runner.load_or_resume()
    model = runner.model.eval()
    [(_, batch)] = next(iter(loop.dataloader))
    [sample], [picture] = batch["data_samples"], batch["inputs"]
    assert tuple(picture.shape) == (3, 192, 192)
    known = DetectorTruth(Situation(model, dataset=loop.clean_dataset)).sample(sample).gt_instances
    assert (known.masks.height, known.masks.width) == (192, 192)
    for mask, box in zip(known.masks.to_ndarray(), known.bboxes, strict=True):
        rows, columns = mask.nonzero()
        around = torch.tensor([columns.min(), rows.min(), columns.max() + 1.0, rows.max() + 1.0])
        assert (around - box).abs().max() <= 2  # within rounding, at half more than the picture's size
    works = loop.works()
    with works.during(loop.cells[1], {}), torch.no_grad():
        found = works.forward(lambda changed: changed["inputs"], batch)[0]
    assert 0 < (found[:, :96].int() - picture[:, :96].int()).abs().max() <= 8
    assert torch.equal(found[:, 96:], picture[:, 96:])
    with works.during(loop.cells[1], {}), torch.no_grad():
        works.forward(lambda changed: changed["inputs"], batch)
        own = torch.nn.functional.avg_pool2d(found[None, :, :96].float(), 3)[0]  # 3 pixels of the input are 2
        told = works.given(sample, torch.zeros(64, 128, 3, dtype=torch.uint8).numpy())
    assert told.shape == (64, 128, 3)
    two = torch.nn.functional.avg_pool2d(torch.from_numpy(told).permute(2, 0, 1)[None].float(), 2)[0]
    assert (own - two).abs().mean() < 4  # the picture, not one that is squeezed with its padding


def test_a_detector_whose_pipeline_crops_is_refused(tmp_path):
    from helpers.tiny_rtmdet import write_rtmdet

    pytest.importorskip("mmdet")
    config, checkpoint = write_rtmdet(tmp_path)
    pads = 'dict(type="Pad", size=(192, 192), pad_val=dict(img=(114, 114, 114)))'
    crops = 'dict(type="RandomCrop", crop_size=(64, 64), allow_negative_crop=True)'
    config.write_text(config.read_text().replace(pads, crops))
    with pytest.raises(PreflightError, match=r"does not flip or crop the picture: the model gets \(64, 64\)"):
        judge(config, checkpoint, tmp_path / "r.jsonl", protocol=attacks("pgd", eps=(8,), steps=1))


def test_what_cannot_be_done_is_found_before_the_first_cell(tmp_path):
    from helpers.known_segmentor import KNOWN

    config, checkpoint = write_parts(tmp_path, more=KNOWN)
    with pytest.raises(PreflightError, match=r"the model under pgd .* cannot be used: .* requires grad"):
        judge(config, checkpoint, tmp_path / "results.jsonl", protocol=attacks("pgd"))
    assert not (tmp_path / "results.jsonl").exists()
    pytest.importorskip("mmdet")
    detector = write_detector(tmp_path / "detector")
    for name in ("tent", "sar", "cotta", "memo"):
        with pytest.raises(NotToModelError, match=r"detectors do not keep .* BatchNorm statistics adapt any model: bn"):
            judge(*detector, tmp_path / "detector.jsonl", protocol={"corruptions": {"fog": [1]}}, adapt=name)
    assert not (tmp_path / "detector.jsonl").exists()


def _records(path):
    from mmfan.evaluation.results.store import ResultsStore, key_of

    return {key_of(record)[1]: record for record in ResultsStore(path).records()}


def _by_line(lines):
    import json

    return dict(enumerate(map(json.loads, lines)))
