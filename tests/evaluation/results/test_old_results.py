"""A results file of version 0.1.0: it is read, summarised, and recognised when its run is taken up."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.protocol import make_protocol
from mmfan.evaluation.results import DuplicateRecordError, ResultsStore, group_runs, key_of
from mmfan.evaluation.summary import summarize

STORED = Path(__file__).parents[2] / "data/results_0.1.0.jsonl"
CELLS = [CLEAN, Cell("contrast", 2), Cell("contrast", 5), Cell("gaussian_noise", 2), Cell("gaussian_noise", 5)]


@pytest.fixture
def store(tmp_path):
    for path in (STORED, STORED.with_name("results_0.1.0.jsonl.counts")):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    return ResultsStore(tmp_path / STORED.name)


def test_its_records_and_counts_are_read(store):
    records = store.records()
    assert [key_of(record)[1] for record in records] == CELLS
    assert records == [json.loads(line) for line in STORED.read_text().splitlines()]
    for record in records:
        counts = store.read_counts(record)
        assert counts.counts.shape == (3, 19, 3)
        assert counts.pictures == tuple(f"val/town/town_{number:06d}_000000_leftImg8bit.png" for number in range(3))
        assert list(counts.classes) == record["classes"]
        assert scores_of_counts(counts.counts).metrics["mIoU"] == pytest.approx(record["metrics"]["mIoU"], abs=1e-15)


def test_its_summary_is_that_of_its_numbers(store):
    """Mean over the classes that the labels hold, then over the severities of a type, then over the types."""
    tables = {key_of(record)[1]: record["per_class"] for record in store.records()}
    held = [name for name, recall in tables[CLEAN]["Acc"].items() if recall is not None]
    scores = {cell: np.mean([table["IoU"][name] for name in held]) for cell, table in tables.items()}
    protocol = make_protocol(["contrast", "gaussian_noise"], [2, 5])
    summary = summarize(store.records(), protocol, "mIoU")
    corrupted = np.mean([np.mean([scores[name, 2], scores[name, 5]]) for name in ("contrast", "gaussian_noise")])
    assert summary.clean == pytest.approx(scores[CLEAN], abs=1e-15)
    assert summary.corrupted == pytest.approx(corrupted, abs=1e-15)
    assert summary.retention == pytest.approx(corrupted / scores[CLEAN], abs=1e-13)
    assert (len(held), summary.classes.named) == (3, 19)
    # the record has what 0.1.0 averaged: the classes that the model names beside them too
    assert store.records()[0]["metrics"]["mIoU"] == 0.01257224526962772


def test_its_run_is_recognised_and_no_cell_is_judged_twice(store):
    (run,) = group_runs(store.records())
    assert run.unchecked  # it says nothing of the contents of pictures and labels
    assert (run.contents, run.truth, run.metric, run.precision) == (None, None, None, None)
    assert (run.model, run.dataset, run.seed, run.pictures) == ("tiny", "cityscapes", 3, "3-759ce5248f5ed699")
    assert run.config_hash == "de134c067890e701"
    assert run.checkpoint_hash == "9700ba3f4b4167a716ca93efe931cb0c386baafbae176a6078c49c64a492111b"
    assert store.done(run) == set(CELLS)
    for changed in ({"seed": 4}, {"config_hash": "x"}, {"checkpoint_hash": "x"}, {"pictures": "3-0"}, {"model": "x"}):
        assert store.done(run._replace(**changed)) == set()
    record = store.records()[1]
    with pytest.raises(DuplicateRecordError, match="has a record of contrast 2 for the model 'tiny' already"):
        store.append(record)
    store.append({**record, "severity": 3})
    assert store.done(run) == {*CELLS, Cell("contrast", 3)}
