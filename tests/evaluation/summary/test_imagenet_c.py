"""ImageNet-C's scores: known answers, from AlexNet's published errors."""

import pytest

from mmfan.corruptions import COMMON, CORRUPTIONS, EXTRA
from mmfan.evaluation.summary.imagenet_c import ALEXNET_CLEAN_ERROR, ALEXNET_ERRORS, imagenet_c_scores


def scored(accuracy, clean=0.8, types=COMMON):
    return imagenet_c_scores(clean, {name: accuracy(name) for name in types})


def test_alexnet_is_one_hundred():
    found = scored(lambda name: 1 - ALEXNET_ERRORS[name], 1 - ALEXNET_CLEAN_ERROR)
    assert found.error.mce == pytest.approx(1, abs=1e-15)
    assert found.error.relative_mce == pytest.approx(1, abs=1e-13)


def test_always_wrong_is_129_35_and_never_wrong_0():
    assert 100 * scored(lambda name: 0.0).error.mce == pytest.approx(129.35, abs=0.005)
    assert scored(lambda name: 1.0, 1.0).error.mce == 0
    assert scored(lambda name: 0.6, 0.6).error.relative_mce == 0  # as good as on the clean pictures


def test_one_type_by_hand():
    found = scored(lambda name: 0.5 if name == "fog" else 1.0, 0.75)
    assert found.error.by_corruption["fog"] == pytest.approx(0.5 / 0.819324)
    assert found.error.mce == pytest.approx(0.5 / 0.819324 / 15)
    assert found.error.relative_by_corruption["fog"] == pytest.approx((0.5 - 0.25) / (0.819324 - 0.4355))


def test_fifteen_and_nineteen_types_have_their_own_names():
    found = scored(lambda name: 0.2 if name in EXTRA else 0.6, 0.8, CORRUPTIONS)
    assert found.acc15 == pytest.approx(0.6)
    assert found.acc19 == pytest.approx((15 * 0.6 + 4 * 0.2) / 19)
    assert (found.retention15, found.retention19) == pytest.approx((0.6 / 0.8, found.acc19 / 0.8))
    assert found.error.mce == scored(lambda name: 0.6).error.mce  # over the 15 in any case
    assert scored(lambda name: 0.6).acc19 is None


def test_fan_s_vit_as_published():
    """64.5 on ImageNet-C of 82.5 on the clean pictures: 78 % retained."""
    assert round(100 * scored(lambda name: 0.645, 0.825).retention15) == 78


def test_the_form_of_imagenet_c_itself_counts_as_the_type():
    types = ["elastic_transform_imagenet_c" if name == "elastic_transform" else name for name in COMMON]
    assert scored(lambda name: 0.6, types=types) == scored(lambda name: 0.6)
    assert scored(lambda name: 0.6, types=types[:-1]) is None
