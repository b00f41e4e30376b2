"""From records to the scores that a training watches."""

import logging
import math
from types import SimpleNamespace

import pytest
from mmengine.hooks import CheckpointHook

from mmfan.evaluation.judging.outcome import conclude, fractions_of
from mmfan.evaluation.protocol import make_protocol

PROTOCOL = make_protocol({"fog": [1, 2], "snow": [1]})
LOGGER = logging.getLogger("test")


def records(clean, fog1, fog2, snow):
    cells = {("clean", 0): clean, ("fog", 1): fog1, ("fog", 2): fog2, ("snow", 1): snow}
    return [
        {"model": "m", "dataset": "d", "corruption": name, "severity": severity, "metrics": metrics}
        for (name, severity), metrics in cells.items()
    ]


def test_means_over_severities_then_types():
    found = conclude(records({"s": 0.8}, {"s": 0.6}, {"s": 0.2}, {"s": 0.2}), PROTOCOL, LOGGER)
    assert found == pytest.approx({"clean/s": 0.8, "corrupted/s": 0.3, "retention/s": 0.375})


def test_an_untrained_model_has_no_retention_but_does_not_stop_a_training():
    found = conclude(records({"s": 0.0}, {"s": 0.6}, {"s": 0.2}, {"s": 0.2}), PROTOCOL, LOGGER)
    assert found == pytest.approx({"clean/s": 0.0, "corrupted/s": 0.3})
    assert math.isnan(found["retention/s"])
    assert set(found) == {"clean/s", "corrupted/s"}
    with pytest.raises(KeyError, match="retention/t"):
        found["retention/t"]


@pytest.mark.parametrize("undefined", [None, math.nan])
def test_undefined_scores_are_left_out(undefined, caplog):
    cells = [{"s": 0.5, "t": 0.5} for _ in range(4)]
    cells[2]["t"] = undefined
    found = conclude(records(*cells), PROTOCOL, LOGGER)
    assert set(found) == {"clean/s", "corrupted/s", "retention/s"}
    assert math.isnan(found["clean/t"])
    assert math.isnan(found["corrupted/t"])
    assert "t is not defined in 1 of 4 cells" in caplog.text


@pytest.mark.parametrize(
    ("key", "expected"),
    [("retention/s", [None, 0.4 / 0.6, 0.4 / 0.6, 0.8, 0.8]), ("corrupted/t", [None, 0.6, 0.6, 0.6, 0.8])],
)
def test_the_best_checkpoint_waits_for_a_number(key, expected, tmp_path):
    hook = CheckpointHook(interval=1, by_epoch=False, save_best=key, rule="greater", out_dir=str(tmp_path))
    kept = {}
    hub = SimpleNamespace(runtime_info=kept, get_info=kept.get, update_info=kept.__setitem__)
    saved = []
    runner = SimpleNamespace(
        iter=0, epoch=0, message_hub=hub, logger=LOGGER, work_dir=str(tmp_path),
        save_checkpoint=lambda *_, filename, **__: saved.append(filename),
    )  # fmt: skip
    hook.before_train(runner)
    best = []
    for value in (0.0, 0.6, 0.0, 0.5, 0.8):  # the clean score of one validation after the other
        cells = [{"s": value, "t": value or math.nan}, *({"s": 0.4, "t": value} for _ in range(3))]
        hook._save_best_checkpoint(runner, conclude(records(*cells), PROTOCOL, LOGGER))
        best.append(kept.get("best_score"))
    assert best == pytest.approx(expected)
    assert len(saved) == 2


def test_no_score_at_all():
    with pytest.raises(ValueError, match=r"to give scores, got none.*take its CocoMetric"):
        fractions_of({})


def test_errors_are_no_scores():
    depth = {"d1": 0.9, "abs_rel": 0.1, "sq_rel": 0.1, "depth/rmse": 2.5, "rmse_log": 0.2, "log10": 0.1, "silog": 12.0}
    assert fractions_of(depth) == {"d1": 0.9}
    with pytest.raises(ValueError, match=r"got rmse, MAE alone: less is better, and a retention is of scores where mo"):
        fractions_of({"rmse": 0.4, "MAE": 0.3})
    with pytest.raises(ValueError, match=r"got \{'wer': 1.2\}.*Errors, of which less is better, are no scores"):
        fractions_of({"wer": 1.2})
    found = conclude(records(*({"d1": 0.5, "rmse": 0.5} for _ in range(4))), PROTOCOL, LOGGER)  # an older file
    assert set(found) == {"clean/d1", "corrupted/d1", "retention/d1"}


@pytest.mark.parametrize("metrics", [{"mIoU": 61.2}, {"a": -0.1}])
def test_percentages_are_refused_at_the_first_cell(metrics):
    with pytest.raises(ValueError, match=r"fractions from 0 to 1.*scale=0.01"):
        fractions_of(metrics)
    assert set(fractions_of({"a": 0.0, "b": 1.0, "c": math.nan})) == {"a", "b", "c"}
