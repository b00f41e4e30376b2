"""Hessian and landscape of the tiny segmentor: shifts by the decay, resuming, and the model left as it was."""

import numpy as np
import pytest
import torch
from helpers.tiny_analysis import analyse, make_context, write_parts

from mmfan.analysis import AnalysisError
from mmfan.analysis.analyses import landscape
from mmfan.corruptions.cell import Cell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("losses"))


def test_decay_shifts_the_spectrum_by_exactly_itself(parts, tmp_path):
    few = {"batch_size": 1, "products": 6, "limit": 1}
    plain = analyse(parts, tmp_path, "hessian", no_decay=True, **few)
    decayed = analyse(parts, tmp_path, "hessian", **few)
    assert decayed["decay"] == 0.01  # of all parameters of the tiny segmentor
    assert decayed["losses"] == plain["losses"]
    for one, other in zip(plain["eigenvalues"], decayed["eigenvalues"], strict=True):
        assert len(one) == 5
        # of largest magnitude: the smallest ones of either may differ
        assert other[0] == pytest.approx(one[0] + 0.01, abs=2e-4)
    values = [value for row in plain["eigenvalues"] for value in row]
    assert plain["negative_share"] == np.mean([value < 0 for value in values])
    assert plain["mean_positive"] == pytest.approx(np.mean([value for value in values if value > 0]))


def test_power_iteration_finds_the_same(parts, tmp_path):
    more = {"batch_size": 1, "top": 1, "no_decay": True, "limit": 1}
    one = analyse(parts, tmp_path, "hessian", products=9, **more)
    other = analyse(parts, tmp_path, "hessian", products=25, method="power", **more)
    assert other["eigenvalues"][0] == pytest.approx(one["eigenvalues"][0], rel=0.05)


def test_landscape_resumes_and_leaves_the_model_alone(parts, tmp_path, monkeypatch):
    few = {"points": 3, "batch_size": 2, "limit": 1}
    spec, context = make_context(parts, tmp_path, "landscape", **few)
    before = {name: value.clone() for name, value in context.model.state_dict().items()}
    result = spec.run(context)
    assert all(torch.equal(value, before[name]) for name, value in context.model.state_dict().items())
    losses = np.array(result["loss"])
    assert losses.shape == (3, 3)
    assert result["axis"] == [-1.0, 0.0, 1.0]
    assert result["centre"] == losses[1, 1]
    # the penalty has its minimum in the middle, as the directions are nearly orthogonal to the weights
    assert np.argmin(result["penalty"]) == 4

    # a run that was killed while it wrote its last line
    path = tmp_path / "landscape.jsonl"
    kept = path.read_text().splitlines(keepends=True)
    path.write_text("".join(kept[:5]) + kept[5][:20])
    computed = []
    original = landscape.mean_loss
    monkeypatch.setattr(landscape, "mean_loss", lambda *given: computed.append(1) or original(*given))
    with pytest.warns(UserWarning, match="a line that was not finished"):
        again = analyse(parts, tmp_path, "landscape", **few)
    assert again == result
    assert len(computed) == 4
    with pytest.warns(UserWarning, match="a line that was not finished"):
        analyse(parts, tmp_path, "landscape", seed=1, **few)
    assert len(computed) == 13


def test_a_landscape_of_other_crops_is_computed_again(parts, tmp_path, monkeypatch):
    """The same weights, seed and pictures, and another augmentation or another loss."""
    few = {"points": 1, "batch_size": 1, "limit": 1}
    computed = []
    original = landscape.mean_loss
    monkeypatch.setattr(landscape, "mean_loss", lambda *given: computed.append(1) or original(*given))
    for count, change in enumerate(("", "", "flip", "loss"), 1):
        spec, context = make_context(parts, tmp_path, "landscape", **few)
        steps = context.model.cfg.train_dataloader.dataset.pipeline
        if change == "flip":
            steps.insert(len(steps) - 1, {"type": "RandomFlip", "prob": 1.0})
        if change == "loss":
            context.model.cfg.model.decode_head.ignore_index = 3
        spec.run(context)
        assert len(computed) == (1, 1, 2, 3)[count - 1]


def test_lines_of_another_form_are_computed_again(tmp_path):
    path = tmp_path / "landscape.jsonl"
    path.write_bytes(
        b'{"key": "k", "x": 1, "y": -1.0, "loss": null}\n[]\n3\n{"key": "k"}\n'
        b'{"key": "k", "x": [1], "y": 2, "loss": 1}\n'
        b'{"key": "k", "x": 1e999, "y": 2, "loss": 1}\n\xff\n\n' + b"[" * 100_000 + b"\n"
        b'{"key": "k", "x": 2, "y": 2, "loss": 1' + b"0" * 400 + b'}\n{"key": "other", "x": 2, "y": 2, "loss": 1}\n'
        b'{"key": "k", "x": 0.5, "y": 0.0, "loss": 0.25}'
    )
    with pytest.warns(UserWarning, match="a line that was not finished"):
        assert landscape.PointStore(path, "k").read() == {(1.0, -1.0): None, (0.5, 0.0): 0.25}


def test_coordinates():
    assert landscape.coordinates(1, 2.0) == [0.0]
    axis = landscape.coordinates(11, 0.3)
    assert axis[5] == 0.0
    assert axis == [-value for value in reversed(axis)]


@pytest.mark.parametrize(
    ("analysis", "given", "message"),
    [
        ("landscape", {"cell": Cell("fog", 3)}, "landscape takes the training set .* leave out `cell` and `taps`"),
        ("landscape", {}, "needs 4 batches of 2 pictures, the training set of .* has 4 pictures"),
        ("hessian", {"tap_names": ["out0"]}, "hessian takes the training set .* leave out `cell` and `taps`"),
    ],
)
def test_bad_input(parts, tmp_path, analysis, given, message):
    spec, context = make_context(parts, tmp_path, analysis, limit=4, **given)
    with pytest.raises(AnalysisError, match=message):
        spec.run(context)


def test_correlation_falls_where_pixels_are_hidden(parts, tmp_path):
    result = analyse(parts, tmp_path, "correlation", ratios=[20, 60])
    assert list(result["altered"]) == ["hidden 20", "hidden 60"]
    for found in result["altered"].values():
        for part in found.values():
            assert all(-1 <= value <= 1 for value in part["mean"] if value is not None)
        # at the first tap, of stride 4, a visible position sees nothing of its neighbours' cells yet
        first = {part: found[part]["mean"][0] for part in found}
        assert first["hidden"] < first["visible"]
        assert first["visible"] == pytest.approx(1.0)
    corrupted = analyse(parts, tmp_path, "correlation", cell=Cell("contrast", 5))
    assert list(corrupted["altered"]) == ["contrast 5"]
    assert corrupted["altered"]["contrast 5"]["hidden"]["mean"][0] is None
