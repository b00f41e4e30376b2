"""Order, warm-up and statistics of the timing, with a clock of our own."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.benchmark.timing import Spread, round_ratios, time_alternately, wall_seconds


def fake(seconds: dict[str, list[float]]):
    """Works that log their runs, and a measure that runs them and gives the listed seconds one by one."""
    log: list[str] = []
    works = {name: lambda name=name: log.append(name) for name in seconds}
    queues = {name: iter(values) for name, values in seconds.items()}

    def measure(work) -> float:
        work()
        return next(queues[log[-1]])

    return works, log, measure


@pytest.mark.slow
def test_variants_take_turns_after_the_warm_up() -> None:
    works, log, measure = fake({"a": [3.0, 1.0, 2.0], "b": [30.0, 10.0, 20.0]})
    seen = []
    result = time_alternately(works, 3, warmup=2, measure=measure, on_run=lambda name, s: seen.append((name, s)))
    assert "".join(log) == "abab" + "ababab"
    assert seen == [("a", 3.0), ("b", 30.0), ("a", 1.0), ("b", 10.0), ("a", 2.0), ("b", 20.0)]
    assert result["a"] == Spread((3.0, 1.0, 2.0))
    assert (result["b"].median, result["b"].low, result["b"].high) == (20.0, 10.0, 30.0)


def test_ratios_are_taken_round_by_round() -> None:
    # The second round was slow for both: the ratio does not see it.
    ratios = round_ratios(Spread((4.0, 40.0, 6.0)), Spread((2.0, 20.0, 2.0)))
    assert ratios.values == (2.0, 2.0, 3.0)
    assert ratios.median == 2.0
    with pytest.raises(ValueError, match="shorter"):
        round_ratios(Spread((1.0, 2.0)), Spread((1.0,)))


@given(st.lists(st.floats(0.001, 1000), min_size=1))
def test_spread_encloses_its_median(values: list[float]) -> None:
    spread = Spread(tuple(values))
    assert spread.low <= spread.median <= spread.high


def test_median_of_an_even_number() -> None:
    assert Spread((1.0, 10.0, 2.0, 4.0)).median == 3.0


def test_wall_seconds_hold_the_work(monkeypatch) -> None:
    clock = iter([10.0, 12.5])
    runs = []
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert wall_seconds(lambda: runs.append(1)) == 2.5
    assert runs == [1]


@pytest.mark.parametrize(
    ("repeats", "warmup", "message"),
    [(0, 1, "`repeats` to be a whole number of at least 1, got 0"), (1, -1, "`warmup` to be .* of at least 0, got -1")],
)
def test_bad_counts(repeats: int, warmup: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        time_alternately({"a": lambda: None}, repeats, warmup)
