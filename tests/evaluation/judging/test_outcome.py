"""From records to the scores that a training watches."""

import logging
import math

import pytest

from mmfan.evaluation.judging.outcome import check_fractions, conclude
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


@pytest.mark.parametrize("undefined", [None, math.nan])
def test_undefined_scores_are_left_out(undefined, caplog):
    cells = [{"s": 0.5, "t": 0.5} for _ in range(4)]
    cells[2]["t"] = undefined
    found = conclude(records(*cells), PROTOCOL, LOGGER)
    assert set(found) == {"clean/s", "corrupted/s", "retention/s"}
    assert "t is not defined in 1 of 4 cells" in caplog.text


@pytest.mark.parametrize("metrics", [{"mIoU": 61.2}, {}, {"a": -0.1}])
def test_percentages_are_refused_at_the_first_cell(metrics):
    with pytest.raises(ValueError, match=r"fractions from 0 to 1.*scale=0.01"):
        check_fractions(metrics)
    check_fractions({"a": 0.0, "b": 1.0, "c": math.nan})
