"""The machine in words."""

import os
import platform

import torch

from mmfan.benchmark.machine import Machine, describe_machine, describe_torch_machine


def test_in_words() -> None:
    machine = Machine("Some CPU", 4, 1, 15.6, "Some GPU", "Linux x86_64", {"python": "3.11"})
    assert str(machine) == "Some GPU, Some CPU, 4 cores (1 thread), 16 GiB, python 3.11, Linux x86_64"
    unknown = Machine("Some CPU", 4, 2, 0.0, None, "Linux x86_64", {})
    assert str(unknown) == "Some CPU, 4 cores (2 threads), Linux x86_64"


def test_this_machine() -> None:
    machine = describe_machine(3, {"numpy": "2.0"})
    assert (machine.threads, machine.gpu, machine.versions) == (3, None, {"numpy": "2.0"})
    assert machine.system == f"{platform.system()} {platform.machine()}"
    assert machine.cores <= (os.cpu_count() or 1)


def test_the_machine_of_torch() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        machine = describe_torch_machine("cpu")
    finally:
        torch.set_num_threads(before)
    assert machine.threads == 2
    assert machine.versions["torch"] == torch.__version__
