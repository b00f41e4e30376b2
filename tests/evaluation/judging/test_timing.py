"""Where the time of an evaluation goes, by a clock of our own."""

from types import SimpleNamespace

import pytest

from mmfan.evaluation.judging import timing
from mmfan.evaluation.judging.timing import Shares, describe_shares


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is moved."""
    made = SimpleNamespace(now=100.0)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: made.now)
    return made


def spend(clock, shares, activity, seconds):
    with shares.measure(activity):
        clock.now += seconds


def test_seconds_by_activity_and_the_rest(clock):
    shares = Shares()
    spend(clock, shares, "wait", 1.0)
    spend(clock, shares, "forward", 4.0)
    spend(clock, shares, "forward", 2.0)
    spend(clock, shares, "metric", 0.5)
    clock.now += 2.5  # nobody's
    shares.add_notes(
        [SimpleNamespace(load=0.5, corrupt=3.0, other=0.25), SimpleNamespace(load=0.5, corrupt=1, other=0)]
    )
    found = shares.finish()
    assert found == {
        "wall": 10.0, "wait": 1.0, "forward": 6.0, "metric": 0.5, "write": 0.0, "other": 2.5,
        "load": 1.0, "corrupt": 4.0, "steps": 0.25,
    }  # fmt: skip
    assert shares.pictures == 2


def test_what_fails_has_taken_its_time(clock):
    shares = Shares()

    def fail():
        clock.now += 3.0
        raise KeyError

    with pytest.raises(KeyError), shares.measure("write"):
        fail()
    assert shares.finish()["write"] == 3.0


@pytest.mark.parametrize(
    ("workers", "where"), [(0, "of which, within wait"), (1, "in 1 loading process"), (3, "in 3 loading processes")]
)
def test_in_words(clock, workers, where):
    shares = Shares()
    spend(clock, shares, "forward", 3.0)
    spend(clock, shares, "wait", 1.0)
    shares.add_notes([SimpleNamespace(load=0.25, corrupt=0.5, other=0.125)])
    assert describe_shares(shares.finish(), shares.pictures, workers) == (
        "4.0 s for 1 picture: wait 25.0 %, forward 75.0 %, metric 0.0 %, write 0.0 %, other 0.0 %\n"
        f"{where}, ms a picture: load 250.0, corrupt 500.0, steps 125.0"
    )


def test_a_run_that_had_nothing_to_do(clock):
    assert describe_shares(Shares().finish(), 0, 0).startswith("0.0 s for 0 pictures: wait 0.0 %")
