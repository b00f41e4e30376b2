"""The context gives pictures, truth and inputs as the model and the judge have them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree

from mmfan.analysis.analyses.noise_decay import noisy
from mmfan.analysis.context import Context, load_context, parse_cell
from mmfan.analysis.options import AnalysisError
from mmfan.corruptions import corrupt, picture_seed
from mmfan.corruptions.cell import Cell


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frame")
    return write_config(folder / "tiny.py", write_tree(folder / "data", train=1, val=5))


@pytest.fixture(scope="module")
def context(config: Path) -> Context:
    return load_context(str(config), str(write_checkpoint(config.with_suffix(".pth"), config)), "cpu", limit=2)


def test_pictures_are_spread_over_the_set_and_noted(context: Context) -> None:
    names = [picture.name for picture in context.pictures()]
    assert names == [f"val/town/town_00000{number}_000000_leftImg8bit.png" for number in (1, 3)]
    assert context.used_pictures == names
    assert len(list(context.pictures(99))) == 5
    with pytest.raises(AnalysisError, match=r"needs at least 9 pictures, and gets 5.*has 5"):
        next(context.pictures(99, least=9))


def test_a_corrupted_picture_has_the_bytes_of_a_corrupted_set(context: Context, config: Path) -> None:
    picture = next(context.pictures(1, Cell("fog", 3)))
    path = config.parent / "data/leftImg8bit" / picture.name
    clean = cv2.imread(str(path))[..., ::-1]
    expected = corrupt(clean, "fog", 3, picture_seed(0, picture.name, "fog", 3))
    assert (picture.rgb == expected).all()
    assert (context.picture(picture.number).rgb == clean).all()


def test_inputs_are_normalised_as_the_model_does(context: Context) -> None:
    picture = next(context.pictures(1))
    inputs = context.inputs(picture)
    assert inputs.shape == (1, 3, 64, 96)
    mean, std = (torch.tensor(context.model.cfg.model.data_preprocessor[key]) for key in ("mean", "std"))
    expected = (torch.from_numpy(picture.rgb.astype(np.float32)) - mean) / std
    torch.testing.assert_close(inputs[0].permute(1, 2, 0), expected)
    torch.testing.assert_close(context.inputs(picture, picture.image.astype(np.float64)).float(), inputs)


def test_inputs_are_of_the_precision_of_the_model(context: Context) -> None:
    picture = next(context.pictures(1))
    single = context.inputs(picture)
    try:
        context.model.half()
        assert context.inputs(picture).dtype == torch.float16
        torch.testing.assert_close(context.inputs(picture).float(), single, atol=2e-3, rtol=2e-3)
    finally:
        context.model.float()
    assert context.inputs(picture).dtype == torch.float32


def test_truth_and_crop_go_together(context: Context, config: Path) -> None:
    whole = next(context.pictures(1))
    truth = context.truth(whole)
    path = config.parent / "data/gtFine" / whole.name.replace("leftImg8bit.png", "gtFine_labelTrainIds.png")
    assert (truth == cv2.imread(str(path), cv2.IMREAD_UNCHANGED)).all()
    cropped = Context(context.model, "tiny", str(config), crop=32)
    picture = cropped.picture(whole.number)
    assert (picture.image == whole.image[16:48, 32:64]).all()
    assert (cropped.truth(picture) == truth[16:48, 32:64]).all()
    assert cropped.inputs(picture).shape == (1, 3, 32, 32)
    with pytest.raises(AnalysisError, match="64 x 96, smaller than the crop of 80"):
        next(Context(context.model, "tiny", str(config), crop=80).pictures(1))


def test_noise_belongs_to_the_picture(context: Context) -> None:
    first, second = context.pictures(2)
    noise = noisy(context, first, 0.1) - first.image
    assert (noise == noisy(context, first, 0.1) - first.image).all()
    assert noise.std() == pytest.approx(25.5, rel=0.03)
    assert abs(np.corrcoef(noise.ravel(), (noisy(context, second, 0.1) - second.image).ravel())[0, 1]) < 0.05


def test_without_a_checkpoint_weights_are_drawn_from_the_seed_and_labelled(config: Path) -> None:
    one, again, other = (load_context(str(config), None, "cpu", seed=seed) for seed in (1, 1, 2))
    assert one.label == "tiny (random weights)"
    assert one.weights == "random"
    key = "backbone.blocks.0.attn.q.weight"
    assert torch.equal(one.model.state_dict()[key], again.model.state_dict()[key])
    assert not torch.equal(one.model.state_dict()[key], other.model.state_dict()[key])


def test_cells_of_the_command_line() -> None:
    assert parse_cell("fog:3") == Cell("fog", 3)
    assert parse_cell("clean") == Cell("clean", 0)
    for text in ("fog", "fog:", "fog:x", ":3", "fog 3"):
        with pytest.raises(ValueError, match="NAME:SEVERITY"):
            parse_cell(text)
    with pytest.raises(ValueError, match=r"severity of fog from \(1, 2, 3, 4, 5\), got 9"):
        parse_cell("fog:9")
    with pytest.raises(ValueError, match="'fig'"):
        parse_cell("fig:3")
