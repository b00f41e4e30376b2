"""Mean corruption error, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import PROTOCOLS, Protocol
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.summary import SummaryError, mce, summarize

PROTOCOL = Protocol("two", (Cell("fog", 1), Cell("fog", 2), Cell("snow", 1)))


def summary_of(model, *scores, dataset="d", protocol=PROTOCOL, partial=False):
    cells = (CLEAN, *protocol.cells)[: len(scores)]
    return summarize(
        [
            {"model": model, "dataset": dataset, "corruption": name, "severity": at, "metrics": {"mIoU": score}}
            for (name, at), score in zip(cells, scores, strict=True)
        ],
        protocol,
        partial=partial,
    )


def test_by_hand():
    found = mce(summary_of("a", 0.9, 0.8, 0.6, 0.5), summary_of("ref", 0.8, 0.6, 0.2, 0.4))
    assert found.by_corruption == pytest.approx({"fog": (0.2 + 0.4) / (0.4 + 0.8), "snow": 0.5 / 0.6})
    assert found.mce == pytest.approx((0.5 + 5 / 6) / 2)
    assert found.relative_by_corruption == pytest.approx({"fog": (0.1 + 0.3) / (0.2 + 0.6), "snow": 0.4 / 0.4})
    assert found.relative_mce == pytest.approx(0.75)
    assert found.to_dict()["reference"] == "ref"


def test_where_the_reference_is_not_hurt():
    found = mce(summary_of("a", 0.9, 0.8, 0.6, 0.5), summary_of("ref", 0.5, 0.5, 0.5, 0.4))
    assert found.relative_by_corruption["fog"] is None
    assert found.relative_by_corruption["snow"] == pytest.approx(4)
    assert found.relative_mce is None
    assert found.mce > 0


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (summary_of("ref", 0.8, 1.0, 1.0, 0.4), "'ref' makes no error on fog"),
        (summary_of("ref", 0.8, 0.6, 0.2, 0.4, dataset="e"), "differ in the dataset"),
        (summary_of("ref", 0.8, 0.6, protocol=Protocol("other", (Cell("fog", 1),))), "differ in the protocol"),
        (summary_of("ref", 0.8, 0.6, 0.2, partial=True), "not judged on the same cells"),
    ],
)
def test_what_cannot_be_compared(reference, message):
    with pytest.raises(SummaryError, match=message):
        mce(summary_of("a", 0.9, 0.8, 0.6, 0.5), reference)


def test_against_a_published_row():
    (reference,) = published_rows(["DeepLabv3+ ResNet-50"])
    kamann = PROTOCOLS["kamann16"]
    scores = [0.8, *(0.7 for _ in kamann.cells)]
    found = mce(summary_of("a", *scores, dataset="cityscapes", protocol=kamann), reference)
    assert found.by_corruption["fog"] == pytest.approx(0.3 / (1 - 0.559))
    assert found.relative_by_corruption["fog"] == pytest.approx(0.1 / (0.766 - 0.559))
    (fan,) = published_rows(["FAN-T-Hybrid"])
    with pytest.raises(SummaryError, match=r"differ in the protocol \(kamann16 and None\)"):
        mce(summary_of("a", *scores, dataset="cityscapes", protocol=kamann), fan)


@given(st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4))
def test_against_itself_it_is_one(scores):
    found = mce(summary_of("a", *scores), summary_of("a", *scores))
    assert found.mce == pytest.approx(1)
    assert all(value is None or value == pytest.approx(1) for value in found.relative_by_corruption.values())
