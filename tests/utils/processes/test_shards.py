import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.utils.processes.shards import WHOLE, Shard, parse_shard, shard_from_environment


@given(st.integers(0, 50), st.integers(1, 9))
def test_shards_are_a_partition_of_even_parts(count, total):
    items = list(range(count))
    parts = [Shard(number, total).part_of(items) for number in range(1, total + 1)]
    assert sorted(item for part in parts for item in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/3/5", ""])
def test_wrong_shards(text):
    with pytest.raises(ValueError, match=r"the first of three is 1/3"):
        parse_shard(text)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (WHOLE, None)),
        ({"RANK": "2", "WORLD_SIZE": "4"}, (Shard(3, 4), "torchrun")),
        ({"RANK": "0", "WORLD_SIZE": "1"}, (WHOLE, None)),
        ({"SLURM_PROCID": "7", "SLURM_STEP_NUM_TASKS": "8", "SLURM_NTASKS": "8"}, (Shard(8, 8), "slurm")),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (WHOLE, None)),  # a batch script, one process
        ({"RANK": "1", "WORLD_SIZE": "2", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, (Shard(2, 2), "torchrun")),
    ],
)
def test_ranks(environment, expected):
    assert shard_from_environment(environment) == expected


def test_contradicting_ranks():
    with pytest.raises(ValueError, match="Expected numbers with RANK < WORLD_SIZE from torchrun, got '4' and '4'"):
        shard_from_environment({"RANK": "4", "WORLD_SIZE": "4"})
