"""Weights that could not be copied, or would be nonsense, are named before anything is loaded."""

import pytest
import torch

from mmfan.models.safe_load import CheckpointError
from mmfan.models.weight_files.checks import check_usable, problem_of, problems_of
from mmfan.models.weight_files.tensors import NotPlain

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("key", "value", "own", "why"),
    [
        ("a.weight", torch.ones(2), None, None),
        ("a.weight", torch.ones(2, dtype=torch.float16), torch.ones(2), None),
        ("a.weight", torch.ones(2).double() * 1e300, None, None),
        ("a.weight", torch.full((9,), 3e38), None, None),  # whose sum is infinite
        ("a.weight", torch.full((9,), 6e4).half(), None, None),
        ("a.weight", torch.tensor([1.0, NAN]), None, "not finite (NaN or Inf)"),
        ("a.weight", torch.tensor([INF, -INF]), None, "not finite (NaN or Inf)"),
        ("a.weight", torch.tensor([3e38, 3e38, INF]), None, "not finite (NaN or Inf)"),
        ("a.attn_mask", torch.tensor([0.0, -INF]), None, None),
        ("a.attn_mask", torch.tensor([0.0, NAN]), None, "not finite (NaN or Inf)"),
        ("a.weight", torch.ones(2) > 0, None, "bool"),
        ("a.mask", torch.ones(2) > 0, None, None),
        ("a.index", torch.arange(2), None, None),
        ("a.weight", torch.arange(2), None, "int64"),
        ("a.scale", torch.ones(2) > 0, torch.ones(2), "bool (model float32)"),
        ("a.scale", torch.arange(2), torch.ones(2), "int64 (model float32)"),
        ("a.index", torch.ones(2) / 2, torch.arange(2), "float32 (model int64)"),
        ("a.index", torch.tensor([NAN, 0.0]), torch.arange(2), "float32 (model int64)"),
        ("a.index", torch.ones(2), torch.arange(2), None),  # whole numbers, as a converter may have saved them
        ("a.index", torch.arange(2).int(), torch.arange(2), None),
        ("n.num_batches_tracked", torch.tensor(1.0), torch.tensor(1), None),
        ("a.weight", torch.ones(2, dtype=torch.complex64), None, "complex64"),
        ("a.weight", NotPlain("sparse"), torch.ones(2), "sparse"),
        ("epoch", 3, None, None),
    ],
)
def test_what_is_wrong_with_one_weight(key, value, own, why):
    assert problem_of(key, value, own) == why


def test_eight_bit_floats_are_refused():
    if not hasattr(torch, "float8_e4m3fn"):
        pytest.skip("this torch has none")
    assert problem_of("a.weight", torch.ones(2).to(torch.float8_e4m3fn)) == "float8_e4m3fn"


def test_only_what_would_be_copied_is_compared_with_a_model():
    model = {"a": torch.ones(2), "b": torch.ones(2)}
    state = {"a": torch.tensor([1.0, NAN]), "b": torch.full((3,), NAN), "c": torch.tensor(NAN)}
    assert problems_of(state, model) == ["a: not finite (NaN or Inf)"]
    assert problems_of({"a": NotPlain("sparse")}, model) == ["a: sparse"]


@pytest.mark.parametrize("part", ["state_dict", "ema_state_dict", "state_dict_ema", None])
def test_every_part_of_a_file_is_looked_at(part):
    bad = {"a.weight": torch.tensor(NAN)}
    content = bad if part is None else {"state_dict": {"a.weight": torch.ones(1)}, part: bad}
    with pytest.raises(CheckpointError, match=r"x\.pth holds weights that cannot be used.*a\.weight: not finite"):
        check_usable(content, "x.pth")
    check_usable({"state_dict": {"a.weight": torch.ones(1)}, "optimizer": {"state": torch.tensor(NAN)}}, "x.pth")
