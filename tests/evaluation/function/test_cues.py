"""Cues in ``judge``: known models have known scores, whatever the workers; killed runs go on."""

import numpy as np
import pytest
from helpers.tiny_classes import write_set
from helpers.tiny_pictures import CLASSES, by_brightness, pairs, write_folders

from mmfan import ClassificationData, SegmentationData
from mmfan import judge as judge_anything
from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.conditions import ConditionCell, make_condition
from mmfan.evaluation.conditions.change import Labelled, NoLabelMapError, Others, change_of
from mmfan.evaluation.judging.asked_cues import asked_cues

SETTINGS = {"area": 64}
COUNT = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data"), COUNT), CLASSES, name="street")


def judge(predict, data, results=None, **more):
    given = {"protocol": asked_cues(settings=SETTINGS), "workers": 0, "verbose": False, **more}
    return judge_anything(predict, data, **given, results=results, name="mine")


def changed(data, name, seed=0):
    """What each picture becomes, made by hand, and the map of its textures."""
    own = {"area": 64} if name.startswith("texture_swap") else {}
    change = change_of(ConditionCell(CLEAN, make_condition("cue", name, 1, **own)), 255)
    assert change is not None
    everything = [Labelled(*pair) for pair in pairs(COUNT)]
    others = Others(data.names)
    for place, one in enumerate(everything):
        drawn = change.seed_of(seed, data.names[place])
        yield change(one, drawn, [everything[at] for at in others.of(place, drawn, change.others)])


class Knowing:
    """Says what it was told of a picture, which it knows by its bytes; of others what their brightness says."""

    def __init__(self):
        self.known = {}

    def __call__(self, rgb):
        return self.known.get(rgb.tobytes(), by_brightness(rgb))


def test_one_who_knows_the_truth_goes_by_shape_and_one_who_sees_textures_by_texture(data):
    by_shape, by_texture = Knowing(), Knowing()
    for name in ("texture_swap", "texture_swap_grey"):
        for found, (_, truth) in zip(changed(data, name), pairs(COUNT), strict=True):
            by_shape.known[found.picture.tobytes()] = np.where(truth == 255, 0, truth)
            by_texture.known[found.picture.tobytes()] = np.where(found.textures == 255, 0, found.textures)
    wanted = asked_cues(["texture_swap", "texture_swap_grey"], SETTINGS)
    for predict, bias in ((by_shape, 1.0), (by_texture, 0.0)):
        records = judge(predict, data, protocol=wanted).records
        assert len(predict.known) == 2 * COUNT
        assert [record["metrics"].get("shape_bias") for record in records] == [None, bias, bias]
        assert [record["metrics"].get("by_neither") for record in records] == [None, 0.0, 0.0]
        if bias == 1:
            assert records[1]["metrics"]["mIoU"] == 1.0


def test_records_say_what_was_done(data, tmp_path):
    found = judge(by_brightness, data, tmp_path / "r.jsonl", protocol=asked_cues(["texture_swap"], SETTINGS))
    record = found.records[1]
    assert record["condition"] == {
        "kind": "cue", "name": "texture_swap", "strength": 1, "settings": {"area": 64, "colour": "donor"}
    }  # fmt: skip
    assert set(record["per_class"]["shape_bias"]) == set(CLASSES)
    shares = [record["metrics"][name] for name in ("by_shape", "by_texture", "by_neither")]
    assert sum(shares) == pytest.approx(1)
    # who goes by brightness takes a texture for its class
    assert record["metrics"]["shape_bias"] < 0.1
    assert found.clean == found.records[0]["metrics"]["mIoU"] > 0.8


def test_the_same_bytes_for_any_number_of_workers(data):
    def told(workers, **more):
        seen = []

        def predict(rgb):
            seen.append(rgb.copy())
            return by_brightness(rgb)

        records = judge(predict, data, workers=workers, **more).records
        return np.stack(seen[1:]), [record["metrics"] for record in records]

    here, scores = told(0)
    assert len(here) == 8 * COUNT
    for workers, more in ((1, {}), (3, {"cache": 0}), (0, {"cache": 0})):
        other, others = told(workers, **more)
        assert np.array_equal(here, other)
        assert scores == others
    for at, name in enumerate(asked_cues()["conditions"], 1):
        expected = np.stack([one.picture for one in changed(data, name["name"])])
        assert np.array_equal(here[COUNT * at : COUNT * (at + 1)], expected), name["name"]
    assert not np.array_equal(here, told(0, seed=1)[0])


def test_a_killed_run_goes_on(data, tmp_path):
    calls = []

    def dying(rgb):
        calls.append(1)
        if len(calls) > 1 + 3 * COUNT + 2:  # the preflight, three cells, two pictures of the next
            raise KeyboardInterrupt
        return by_brightness(rgb)

    with pytest.raises(KeyboardInterrupt):
        judge(dying, data, tmp_path / "r.jsonl")
    calls.clear()

    def counting(rgb):
        calls.append(1)
        return by_brightness(rgb)

    resumed = judge(counting, data, tmp_path / "r.jsonl")
    assert len(calls) == 1 + 5 * COUNT
    whole = judge(by_brightness, data, tmp_path / "whole.jsonl")
    assert [one["metrics"] for one in resumed.records] == [one["metrics"] for one in whole.records]


def test_one_picture_alone_has_no_textures_to_take(data, caplog):
    found = judge(by_brightness, data, protocol=asked_cues(["texture_swap"], SETTINGS), limit=1)
    assert np.isnan(found.records[1]["metrics"]["shape_bias"])
    assert found.records[1]["note"].startswith("No segment got another texture")
    assert found.records[1]["metrics"]["mIoU"] == found.clean
    assert found.cues.bias() is None


def test_batches_change_nothing(data):
    one = judge(by_brightness, data)
    many = judge(lambda pictures: [by_brightness(rgb) for rgb in pictures], data, batch_size=3)
    assert [record["metrics"] for record in one.records] == [record["metrics"] for record in many.records]


def test_classes_have_no_segments(tmp_path):
    data = ClassificationData(write_set(tmp_path))
    with pytest.raises(NoLabelMapError, match=r"texture_swap.* cannot be done to the pictures of .*label map"):
        judge(lambda rgb: np.zeros(3), data)
