import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmfan.models.layers.drop import DropPath, drop_path_rates


def test_schedules():
    assert drop_path_rates(0.3, 3, "constant") == [0.3, 0.3, 0.3]
    assert drop_path_rates(0.3, 4, "linear") == pytest.approx([0, 0.1, 0.2, 0.3])
    assert drop_path_rates(0.3, 1, "linear") == [0]


@pytest.mark.parametrize(("rate", "schedule", "message"), [(1.0, "constant", "got 1.0"), (0.1, "cosine", "'cosine'")])
def test_bad_schedules(rate, schedule, message):
    with pytest.raises(ValueError, match=message):
        drop_path_rates(rate, 3, schedule)


@given(rate=st.floats(0.05, 0.9), seed=st.integers(0, 1000))
def test_a_picture_is_dropped_whole_or_scaled(rate, seed):
    torch.manual_seed(seed)
    out = DropPath(rate).train()(torch.ones(16, 3, 2))
    for picture in out:
        value = picture[0, 0].item()
        assert value == 0 or value == pytest.approx(1 / (1 - rate), rel=1e-6)
        assert (picture == picture[0, 0]).all()


def test_mean_is_kept_and_eval_is_the_identity():
    x = torch.ones(20000, 1)
    layer = DropPath(0.4)
    assert layer.train()(x).mean().item() == pytest.approx(1, abs=0.03)
    assert layer.eval()(x) is x
