"""Variables of the launchers."""

import pytest

from mmfan.apis.distributed import rank_variables


@pytest.mark.parametrize(
    ("launcher", "environment"),
    [
        ("pytorch", {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}),
        ("slurm", {"SLURM_PROCID": "3", "SLURM_NTASKS": "4", "SLURM_LOCALID": "1"}),
        (
            "mpi",
            {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "1"},
        ),
    ],
)
def test_every_launcher_gives_the_same_variables(launcher, environment):
    expected = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    assert rank_variables(launcher, environment) == expected
    found = rank_variables(launcher, {**environment, "MASTER_ADDR": "node7", "MASTER_PORT": "1234"})
    assert (found["MASTER_ADDR"], found["MASTER_PORT"]) == ("node7", "1234")


def test_errors_name_what_is_missing_and_how_to_start():
    with pytest.raises(ValueError, match=r"needs the variables WORLD_SIZE, LOCAL_RANK, .*torchrun"):
        rank_variables("pytorch", {"RANK": "0"})
    with pytest.raises(ValueError, match=r"one of .*got 'horovod'"):
        rank_variables("horovod", {})


def test_several_nodes_need_the_first_nodes_name():
    environment = {"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0", "SLURM_NNODES": "2"}
    with pytest.raises(ValueError, match="MASTER_ADDR"):
        rank_variables("slurm", environment)
