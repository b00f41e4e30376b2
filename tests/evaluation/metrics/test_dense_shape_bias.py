"""Dense shape bias: by hand, and what is known of it."""

import numpy as np
import pytest

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.dense_shape_bias import count_cues, scores_of_cues, with_cues

CLASSES = ("sky", "road", "car")


def picture(seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, (30, 40)).astype(np.uint8)
    textures = np.where(rng.random(truth.shape) < 0.5, (truth + rng.integers(1, 3, truth.shape)) % 3, 255)
    return truth, textures.astype(np.uint8)


def test_by_hand():
    truth = np.array([[0, 0, 0, 0, 1, 1, 1, 2]], np.uint8)
    textures = np.array([[1, 1, 2, 255, 0, 0, 0, 255]], np.uint8)
    said = np.array([[0, 1, 1, 1, 1, 0, 255, 0]])
    counts = count_cues(said, truth, textures, 3)
    assert counts.tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]
    metrics, by_class = scores_of_cues(np.array([[3, 1, 0], [0, 2, 2], [0, 0, 0]]), CLASSES)
    assert metrics == {
        "shape_bias": 0.5, "shape_bias_of_classes": 0.375, "by_shape": 0.375, "by_texture": 0.375, "by_neither": 0.25,
    }  # fmt: skip
    assert (by_class["shape_bias"]["sky"], by_class["shape_bias"]["road"]) == (0.75, 0.0)
    assert np.isnan(by_class["shape_bias"]["car"])
    assert by_class["by_neither"] == {"sky": 0.0, "road": 0.5, "car": pytest.approx(float("nan"), nan_ok=True)}


def test_one_who_says_the_label_map_goes_by_shape_alone():
    truth, textures = picture()
    metrics, _ = scores_of_cues(count_cues(truth, truth, textures, 3), CLASSES)
    assert (metrics["shape_bias"], metrics["by_shape"], metrics["by_neither"]) == (1.0, 1.0, 0.0)


def test_one_who_says_the_textures_goes_by_texture_alone():
    truth, textures = picture()
    metrics, _ = scores_of_cues(count_cues(textures, truth, textures, 3), CLASSES)
    assert (metrics["shape_bias"], metrics["by_texture"]) == (0.0, 1.0)


def test_shape_and_texture_in_each_others_places():
    truth, textures = picture()
    said = np.random.default_rng(5).integers(0, 3, truth.shape)
    swapped = textures != 255
    truth, textures, said = truth[swapped][None], textures[swapped][None], said[swapped][None]
    one, _ = scores_of_cues(count_cues(said, truth, textures, 3), CLASSES)
    other, _ = scores_of_cues(count_cues(said, textures, truth, 3), CLASSES)
    assert 0 < one["shape_bias"] < 1
    assert one["shape_bias"] == pytest.approx(1 - other["shape_bias"], abs=1e-15)


def test_parts_add_up_and_nothing_swapped_is_nothing_said():
    one, two = picture(1), picture(2)
    said = np.random.default_rng(0).integers(0, 3, (30, 40))
    truth, textures = (np.concatenate(pair) for pair in zip(one, two, strict=True))
    both = count_cues(np.concatenate([said, said]), truth, textures, 3)
    parts = [count_cues(said, own[0], own[1], 3) for own in (one, two)]
    assert np.array_equal(parts[0] + parts[1], both)
    empty = np.full((30, 40), 255, np.uint8)
    metrics, by_class = scores_of_cues(count_cues(said, one[0], empty, 3), CLASSES)
    assert all(np.isnan(value) for value in (*metrics.values(), *by_class["shape_bias"].values()))


def test_wrong_sizes_and_numbers():
    truth, textures = picture()
    with pytest.raises(MMFanError, match="differ in size"):
        count_cues(truth[:5], truth, textures, 3)
    with pytest.raises(MMFanError, match="of the classes 0 to 1, got 2"):
        count_cues(truth, truth, textures, 2)


def test_scores_of_a_cell():
    plain = CellScores({"mIoU": 0.5}, {"IoU": {"sky": 0.5}}, classes=CLASSES)
    assert with_cues(plain, [], CLASSES) is plain
    counts = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 0]])
    found = with_cues(plain, [counts, counts], CLASSES)
    assert found.metrics["mIoU"] == found.metrics["shape_bias"] == 0.5
    assert list(found.per_class) == ["IoU", "shape_bias", "by_neither"]
    assert found.note == ""
    assert with_cues(plain, [0 * counts], CLASSES).note.startswith("No segment got another texture")
