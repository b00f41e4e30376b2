"""What a run is told apart by: the model as mmengine builds it."""

import pytest
from mmengine.config import Config

from mmfan.evaluation.loop.identity.run_key import model_of
from mmfan.evaluation.results.hashes import config_hash


def hash_of(inner, beside, augmented=False):
    model = {"type": "Own", **({"data_preprocessor": {"mean": inner}} if inner else {})}
    if augmented:
        model = {"type": "TTA", "module": model}
    cfg = Config({"model": model, **({"data_preprocessor": {"mean": beside}} if beside else {})})
    return config_hash(model_of(cfg), [])


@pytest.mark.parametrize("augmented", [False, True])
def test_a_preprocessor_beside_the_model_is_part_of_it(augmented):
    assert hash_of(None, [1], augmented) != hash_of(None, [2], augmented) != hash_of(None, None, augmented)
    assert hash_of(None, [1], augmented) == hash_of([1], None, augmented) == hash_of([1], [1], augmented)


def test_which_of_two_preprocessors_counts():
    """mmengine gives a model the one beside it in want of its own, and that within test-time augmentation anyway."""
    assert hash_of([1], [2]) == hash_of([1], None)
    assert hash_of([1], [2], augmented=True) == hash_of([2], None, augmented=True)
