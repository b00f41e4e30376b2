"""A comparison made by hand: its figures, its table and its JSON."""

import json

import pytest

from mmfan.benchmark.compare import Comparison, Measurement, compare, comparison_page
from mmfan.benchmark.floor import MachineRates, Operations
from mmfan.benchmark.machine import Machine
from mmfan.benchmark.memory import MemoryUse
from mmfan.benchmark.timing import Spread
from mmfan.benchmark.workload import Job

MIB = 2**20
RATES = MachineRates(matmul=100e9, bandwidth=20e9)
MACHINE = Machine("Some CPU", 4, 2, 16.0, None, "Linux x86_64", {"python": "3.11", "torch": "2.9"})
PLAIN = Measurement(Spread((8.0, 10.0, 9.0)), Operations(90 * 10**9, 180 * 10**9, 0), MemoryUse(MIB, 2000 * MIB))
OURS = Measurement(Spread((2.0, 2.5, 3.0)), Operations(90 * 10**9, 0, 10**10), MemoryUse(MIB, 500 * MIB))
COMPARISON = Comparison(Job(), 1e-6, PLAIN, OURS)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_figures() -> None:
    assert COMPARISON.speed_up.values == (4.0, 4.0, 3.0)
    assert COMPARISON.memory_ratio == 0.25
    assert PLAIN.rate == 30e9
    assert PLAIN.share_of_floor(RATES) == 0.3
    assert OURS.share_of_floor(RATES) == 0.4


def test_table() -> None:
    text = comparison_page([COMPARISON], MACHINE, RATES).markdown()
    header, rule, plain, ours = text.splitlines()[-4:]
    assert len({len(line) for line in (header, rule, plain, ours)}) == 1
    assert cells(plain) == [
        *("inference 1024x1024", "plain", "9.00 (8.00-10.00)", "1", "2000", "1", "270.0", "30", "30%"),
    ]
    assert cells(ours) == [
        *("inference 1024x1024", "mmfan", "2.50 (2.00-3.00)", "4.00 (3.00-4.00)", "500", "0.25", "100.0", "40", "40%"),
    ]
    assert "Machine: Some CPU, 4 cores (2 threads), 16 GiB, python 3.11, torch 2.9, Linux x86_64." in text
    assert "(float32): 100 GFLOP/s; its copy bandwidth: 20 GB/s" in text
    assert "FAN-T-Hybrid" in text
    assert "inference 1.0e-06" in text


def test_table_names_the_options_and_leaves_out_what_was_not_measured() -> None:
    blind = Measurement(Spread((0.01,)), OURS.operations, None)
    job = Job(amp=True, compiled=True, recompute="full", arch="xlarge")
    text = comparison_page([Comparison(job, 1e-3, blind, blind)], MACHINE, RATES).markdown()
    assert "batch 1, bfloat16 autocast, mmfan with torch.compile and recompute='full'." in text
    assert "FAN-XL-Hybrid" in text
    assert "(bfloat16)" in text
    assert cells(text.splitlines()[-1])[2:6] == ["0.0100 (0.0100-0.0100)", "1.00 (1.00-1.00)", "-", "-"]


def test_json_is_unrounded() -> None:
    result = json.loads(comparison_page([COMPARISON], MACHINE, RATES).json())
    (one,) = result["comparisons"]
    assert one["plain"]["seconds"] == [8.0, 10.0, 9.0]
    assert one["mmfan"]["operations"] == {
        "matmul": 90 * 10**9,
        "convolution": 0,
        "attention": 10**10,
        "total": 10**11,
    }
    assert one["mmfan"]["memory"] == {"start": MIB, "above_start": 500 * MIB}
    assert (one["speed_up"], one["memory_ratio"], one["job"]["size"]) == (4.0, 0.25, 1024)
    assert result["machine"]["processor"] == "Some CPU"
    assert result["machine"]["versions"] == {"python": "3.11", "torch": "2.9"}
    assert result["rates"] == {"matmul": 100e9, "bandwidth": 20e9}


@pytest.mark.slow
def test_compare_says_what_it_does(monkeypatch) -> None:
    # Two plain forms: the whole run but for mmfan's model.
    import mmfan.benchmark.compare as module

    job = Job(size=32, num_classes=3, embed_dim=8, threads=1)
    build = module.build_work
    monkeypatch.setattr(module, "build_work", lambda job, form: build(job, "plain"))
    monkeypatch.setattr(module, "check_same_function", lambda job: 0.0)
    monkeypatch.setattr(module, "_memory", lambda job, form: MemoryUse(0, 10))
    said: list[str] = []
    result = compare(job, 2, said.append)
    assert result.memory_ratio == 1
    assert len(result.plain.seconds.values) == len(result.mmfan.seconds.values) == 2
    assert result.plain.operations == result.mmfan.operations
    assert [line.split()[1] for line in said[-4:]] == ["plain", "mmfan", "plain", "mmfan"]
