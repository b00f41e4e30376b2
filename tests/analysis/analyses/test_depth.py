"""Probes by depth: their scores are those of an independent computation, and a killed run goes on."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from helpers.pixel_counts import counts_of_picture
from helpers.tiny_analysis import analyse, make_context, write_parts
from torch.nn import functional as F

from mmfan.analysis import AnalysisError, analyze, load_context
from mmfan.analysis.probing import pixel_task, study
from mmfan.analysis.probing.depths import depths_of
from mmfan.analysis.probing.linear import fit_linear
from mmfan.apis.inference import read_picture
from mmfan.corruptions import corrupt, picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.judging.contents import digest_of
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.models.block_features import BlockReader, list_blocks, normalised

GIVEN = {"train": 4, "pixels": 40, "cells": ["contrast:4"]}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("depth"))


def independent(context, place, cell):
    """The mIoU of the probe of one block: features of whole enlarged maps, predictions from them."""
    blocks = list_blocks(context.model)

    def enlarged(one, picture):
        inputs = one.inputs(picture)
        map_ = BlockReader(context.model, blocks, normalise=False).read(inputs)[place]
        return F.interpolate(normalised(map_), tuple(inputs.shape[2:]), mode="bilinear")[0].movedim(0, -1)

    training = pixel_task.on_training_set(context, 4)
    rows, labels = [], []
    for picture in training.pictures():
        truth = training.truth(picture)
        known = np.argwhere(truth != 255)
        chosen = known[training.generator(picture.name, "pixels").permutation(len(known))[:40]]
        rows.append(enlarged(training, picture)[chosen[:, 0], chosen[:, 1]])
        labels.append(truth[chosen[:, 0], chosen[:, 1]])
    probe = fit_linear(torch.cat(rows), np.concatenate(labels).astype(np.int64))
    counts = []
    for number in context.numbers():
        picture = context.picture(number, cell)
        features = enlarged(context, picture)
        said = probe.predict(features.flatten(0, 1).double()).reshape(features.shape[:2])
        truth = context.truth(picture)
        counts.append(counts_of_picture(said[: truth.shape[0], : truth.shape[1]], truth, 19))
    return scores_of_counts(np.stack(counts)).metrics["mIoU"]


@pytest.mark.slow
def test_scores_by_depth(parts, tmp_path, monkeypatch):
    result = analyse(parts, tmp_path, "depth", **GIVEN)
    assert result["depths"] == [
        "patch_embed.backbone.stages.0.blocks.0", "patch_embed.backbone.stages.1.blocks.0", "blocks.0.channel",
        "blocks.1.channel", "all",
    ]  # fmt: skip
    assert result["widths"] == [128, 256, 32, 32, 448]
    assert result["strides"] == [4, 8, 16, 16]
    found = result["readouts"]["linear"]
    _, context = make_context(parts, tmp_path, "depth", **GIVEN)
    for place in (1, 3):
        assert found["clean"][place] == pytest.approx(independent(context, place, Cell("clean", 0)))
        assert found["cells"]["contrast 4"][place] == pytest.approx(independent(context, place, Cell("contrast", 4)))
    assert found["corrupted"] == found["cells"]["contrast 4"]
    assert found["retention"][1] == found["corrupted"][1] / found["clean"][1]
    # another cell, in a run that goes on: neither the probes nor what was judged is computed again
    monkeypatch.setattr(study, "fit", None)
    more = analyse(parts, tmp_path, "depth", **{**GIVEN, "cells": ["contrast:4", "brightness:2"]})
    assert more["readouts"]["linear"]["clean"] == found["clean"]
    assert more["readouts"]["linear"]["cells"]["contrast 4"] == found["corrupted"]
    with np.load(next(tmp_path.glob("depth_*.npz"))) as kept:  # the features are not needed again
        assert not [name for name in kept.files if name.startswith("features")]
    # without the probes' file all is there still, and no picture is read
    next(tmp_path.glob("depth_*.npz")).unlink()
    assert analyse(parts, tmp_path, "depth", **GIVEN)["readouts"] == result["readouts"]


@pytest.mark.slow
def test_other_pixels_are_another_study(parts, tmp_path):
    one, other = (
        make_context(
            parts, tmp_path, "depth", tap_names=["blocks.1.channel"], **{**GIVEN, "train": 2, "pixels": pixels}
        )
        for pixels in (40, 4)
    )
    one, other = (spec.run(context) for spec, context in (one, other))
    assert one["depths"] == other["depths"] == ["blocks.1.channel"]
    assert one["readouts"] != other["readouts"]
    assert len(list(tmp_path.glob("depth_*.npz"))) == 2


def write_classes(folder, count, seed):
    """Pictures that are red, green or blue, with noise."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    for number, name in enumerate(("blue", "green", "red")):
        (folder / name).mkdir(parents=True)
        for one in range(count):
            picture = rng.integers(0, 120, (40, 64, 3), np.uint8)
            picture[..., 2 - number] += 100
            Image.fromarray(picture).save(folder / name / f"{one}.png")
    return str(folder)


@pytest.mark.slow
def test_probes_of_whole_pictures(parts, tmp_path, monkeypatch):
    folders = (write_classes(tmp_path / "train", 5, 0), write_classes(tmp_path / "test", 3, 1))
    given = {
        "images": folders, "resize": 32, "crop": 32, "train": 12, "limit": 9, "out": tmp_path / "out", "device": "cpu",
    }  # fmt: skip
    model = (parts / "tiny.py", parts / "tiny.pth")
    first = analyze("depth", model, cells=["saturate:5"], **given)
    monkeypatch.setattr(study, "fit", None)  # goes on with what was fitted, the neighbours too
    answer = analyze("depth", model, cells=["saturate:5", "contrast:5"], **given)
    result = answer.numbers["models"][0]["result"]
    assert result["metric"] == "top1"
    before = first.numbers["models"][0]["result"]["readouts"]["knn"]
    assert before["corrupted"] == result["readouts"]["knn"]["cells"]["saturate 5"]
    # colours are told apart from the first block on
    assert result["readouts"]["linear"]["clean"][0] == result["readouts"]["knn"]["clean"][0] == 1.0
    assert set(result["readouts"]["knn"]["cells"]) == {"saturate 5", "contrast 5"}
    assert result["readouts"]["knn"]["corrupted"][0] == pytest.approx(
        np.mean([scores[0] for scores in result["readouts"]["knn"]["cells"].values()])
    )
    text = (tmp_path / "out" / "depth.md").read_text()
    assert "| k-NN, retained |" in text
    assert "mean over saturate 5, contrast 5" in text
    assert (tmp_path / "out" / "depth.png").stat().st_size > 10_000


@pytest.mark.slow
def test_pictures_are_corrupted_as_a_set_has_them(parts, tmp_path):
    from PIL import Image

    from mmfan.analysis.analyses.depth import _task

    folders = (write_classes(tmp_path / "train", 2, 0), write_classes(tmp_path / "test", 2, 1))
    _, context = make_context(parts, tmp_path, "depth", images=folders, seed=3, crop=32, limit=6)
    task: Any = _task(context, BlockReader(context.model, list_blocks(context.model)))
    cell = Cell("gaussian_noise", 3)
    (picture, kind), *_ = list(task.test.pictures(cell))[4:]
    clean = np.asarray(Image.open(tmp_path / "test" / "red" / "0.png"))[4:36, 16:48]
    assert kind == 2
    np.testing.assert_array_equal(picture, corrupt(clean, *cell, picture_seed(3, "red/0.png", *cell)))
    inputs = task.test.prepare(picture)
    mean, std = (torch.tensor(one)[:, None, None] for one in ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]))
    wanted = (torch.from_numpy(picture).movedim(2, 0).float() - mean) / std
    torch.testing.assert_close(inputs[0], wanted)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cell": Cell("fog", 3)}, "give them as `cells`, and leave out `cell`"),
        ({"tap_names": ["blocks.7.channel"]}, r"no block 'blocks\.7\.channel'; there are patch_embed"),
        ({"resize": 32}, "`resize` is for folders of classes"),
        ({"cells": ["fog:9"]}, "Expected a severity of fog"),
    ],
)
def test_bad_input(parts, tmp_path, given, message):
    spec, context = make_context(parts, tmp_path, "depth", **given)
    with pytest.raises(ValueError, match=message):
        spec.run(context)


def test_no_training_set(parts, tmp_path):
    spec, context = make_context(parts, tmp_path, "depth")
    context.model.cfg.train_dataloader = None
    with pytest.raises(AnalysisError, match=r"tiny\.py has no single train_dataloader\.dataset"):
        spec.run(context)


def test_joined_depths_are_listed_last(parts):
    _, context = make_context(parts, parts, "depth")
    assert depths_of(list_blocks(context.model))[-1].places == (0, 1, 2, 3)


@pytest.mark.slow
def test_a_classifier_is_read_on_the_sets_of_its_config(tmp_path):
    import helpers.tiny_classifier as tiny

    answer = analyze("depth", tiny.write_config(tmp_path), train=6, limit=3, cells=["contrast:5"], device="cpu")
    (model,) = answer.numbers["models"]
    result = model["result"]
    assert (result["metric"], list(result["readouts"])) == ("top1", ["linear", "knn"])
    assert all(tap["module"].startswith("network.backbone.blocks.") for tap in model["taps"])
    assert result["readouts"]["linear"]["clean"][0] == 1.0  # bright, grey, dark
    assert len(model["pictures"]) == 3
    # pictures are 48 x 40: cut to 40 x 40 by the loading step, corrupted, then brought to 32 x 32
    context = load_context(tiny.write_config(tmp_path), device="cpu")
    first, changed = (context.picture(0, cell).image for cell in (Cell("clean", 0), Cell("contrast", 5)))
    cut = read_picture(tmp_path / "set" / "val" / "n01" / "0.png")[:, 4:44]
    np.testing.assert_array_equal(first, cv2.resize(cut, (32, 32)))
    seed = picture_seed(0, "n01/0.png", "contrast", 5)
    corrupted = np.ascontiguousarray(corrupt(np.ascontiguousarray(cut[..., ::-1]), "contrast", 5, seed)[..., ::-1])
    np.testing.assert_array_equal(changed, cv2.resize(corrupted, (32, 32)))
    # the other analyses of features look into classifiers too
    assert analyze("variance", tiny.write_config(tmp_path), limit=1, device="cpu").numbers["models"][0]["taps"]


def test_what_the_numbers_of_labels_mean_is_part_of_the_key(parts, tmp_path):
    """The same files under other classes are other truths: what was fitted to them is not taken over."""
    _, context = make_context(parts, tmp_path, "depth", **GIVEN)
    training = pixel_task.on_training_set(context, 2)
    task = pixel_task.PixelTask(context, training, None)
    told = [digest_of(task.described())]
    for dataset, name, value in (
        (training.dataset, "label_map", {0: 1}), (training.dataset, "reduce_zero_label", True),
        (context.dataset, "label_map", {0: 1}),
    ):  # fmt: skip
        setattr(dataset, name, value)
        told.append(digest_of(task.described()))
    assert len(set(told)) == 4
