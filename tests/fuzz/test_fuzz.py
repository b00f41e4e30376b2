"""The fuzzer: it notices what is planted, makes the same input again, and finds nothing in its first trials."""

import pytest

pytest.importorskip("resource", reason="processes are limited as POSIX limits them")

from fuzz.__main__ import plan, run
from fuzz.judged import ACCEPTED, FAILED, REFUSED
from fuzz.pool import Job, random_of
from fuzz.targets import SHARES, open_target
from fuzz.targets.planted import DEEDS

pytestmark = [pytest.mark.slow, pytest.mark.process]
TRIALS = 300


def job_of(deed):
    """The first trial that does a planted deed."""
    jobs = (Job("planted", 0, trial) for trial in range(10_000))
    return next(job for job in jobs if random_of(job).randrange(10**6) % len(DEEDS) == deed)


def test_what_is_planted_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fuzz.pool.CPU_SECONDS", 2)
    jobs = [job_of(deed) for deed in range(len(DEEDS))]
    tally, whole = run(jobs, 2, tmp_path)
    assert whole
    assert tally.counts["planted"] == {ACCEPTED: 1, REFUSED: 1, FAILED: 8}
    said = {result.job: result.outcome.text for result in tally.failures}
    expected = (
        *("KeyError: 'missing'", "a refusal without words", "the process died: SIGSEGV", "more memory than allowed"),
        *("left behind", "left behind", "outside of its folder", "processor time"),
    )
    for job, words in zip(jobs[2:], expected, strict=True):
        assert words in said[job]
        kept = tmp_path / f"planted-0-{job.trial}"
        assert (kept / "deed.txt").read_text() == str(random_of(job).randrange(10**6))
        assert words in (kept / "failure.txt").read_text()
    assert f'make fuzz ARGS="--target planted --seed 0 --trial {jobs[2].trial}"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["weights", "pictures", "annotations", "results", "set_states", "small_states", "names"]
)
def test_a_trial_is_the_same_again(name, tmp_path):
    folders = [tmp_path / "a" / "trial", tmp_path / "b" / "trial"]
    for folder in folders:
        folder.mkdir(parents=True)
        open_target(name).make(random_of(Job(name, 3, 5)), folder)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    if name in ("weights", "small_states"):  # the note of a training holds the whole path
        first, second = ({k: v for k, v in each.items() if k.name != "last_checkpoint"} for each in (first, second))
    assert first == second


def test_trials_are_shared_out():
    jobs = list(plan(1000, 0))
    assert {name: sum(job.target == name for job in jobs) for name in SHARES} == {
        name: 10 * share for name, share in SHARES.items()
    }
    assert len(set(jobs)) == 1000


def test_the_first_trials_fail_at_nothing(tmp_path):
    tally, whole = run(plan(TRIALS, 12), 2, tmp_path)
    assert whole
    assert tally.trials == TRIALS
    assert not tally.failures, "\n".join(f"{result.job}: {result.outcome.text}" for result in tally.failures)
