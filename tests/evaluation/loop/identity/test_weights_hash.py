"""The hash of a model's weights: the same for the same values, types and names alone."""

import torch
from mmengine.config import ConfigDict

from mmfan.evaluation.loop.identity.weights_hash import weights_hash
from mmfan.evaluation.results.hashes import config_hash


def test_weights_hash_sees_values_types_and_names():
    states = [
        {"a": torch.arange(4.0)},
        {"b": torch.arange(4.0)},
        {"a": torch.arange(4.0).reshape(2, 2)},
        {"a": torch.arange(4.0, dtype=torch.bfloat16)},
        {"a": torch.arange(4.0) + 1e-7},
        {"a": torch.ones(4, dtype=torch.bool)},
        {"a": torch.tensor(3.0)},
        {"a": torch.zeros(0)},
    ]
    found = [weights_hash(state) for state in states]
    assert len(set(found)) == len(states)
    assert found[0] == weights_hash({"a": torch.arange(8.0)[::2] / 2})
    assert weights_hash({"a": torch.zeros(1), "b": torch.ones(1)}) == weights_hash(
        {"b": torch.ones(1), "a": torch.zeros(1)}
    )


def test_a_config_of_mmengine_counts_as_a_dict():
    plain = {"type": torch.nn.Linear, "sizes": [2, {"a": 1}]}
    assert config_hash(ConfigDict(plain), []) == config_hash(plain, [])
    assert config_hash(plain, []) == config_hash({**plain, "type": "torch.nn.modules.linear.Linear"}, [])
